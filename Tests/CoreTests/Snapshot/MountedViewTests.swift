import Testing
import TestSupport

@testable import Core

@Suite struct MountedViewTests {
    private func errnoWord(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "none"
        } catch let failure as MountFailure {
            switch failure {
            case .damaged(let error): return "damaged: \(error.message.drop { $0 != ":" })"
            default: return "\(failure)"
            }
        } catch {
            return "\(error)"
        }
    }

    @Test("names, contents, links and missing names are what was saved")
    func browse() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [repository.file("f", "hello"), repository.link("l", "f")])
        try repository.snapshot("c", milliseconds: 1000, [TestRepository.rooted(folder, "home/d")])
        let bench = try MountBench(repository, "c")
        #expect(try bench.text(bench.find("home/d/f").node) == "hello")
        let link = try bench.find("home/d/l")
        #expect(link.attributes.kind == .link && link.attributes.size == 1)
        let target = try bench.run { (loaded) throws(Obstacle) in try bench.view.target(of: link.node, loaded)
        }
        #expect(target == Array("f".utf8))
        #expect(try bench.lookup("none") == nil)
        let home = try bench.find("home")
        #expect(home.attributes.permissions == 0o755 && home.attributes.uid == 7)
        #expect(home.attributes.modification == Timestamp(milliseconds: 1000))
        #expect(try bench.list(bench.find("home/d").node).map(\.0) == [".", "..", "f", "l"])
        #expect(errnoWord { _ = try bench.list(link.node) } == "notFolder")
        #expect(errnoWord { _ = try bench.read(home.node) } == "isFolder")
    }

    @Test("a listing reads the folder alone, and goes on at any offset", arguments: [1, 2, 7, 1000])
    func listing(atATime: Int) throws {
        let repository = try TestRepository()
        let files = try (0..<50).map { try repository.file("f\($0)", "content \($0)") }
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", files)])
        let bench = try MountBench(repository, "c:d")
        bench.storage.forgetRequests()
        let names = try bench.list(.root, atATime: atATime).map(\.0)
        #expect(names == [".", ".."] + (0..<50).map { "f\($0)" })
        #expect(bench.storage.requests.count <= 1)
    }

    @Test("equal folders of two snapshots share the numbers of files, never those of folders")
    func sharing() throws {
        let repository = try TestRepository()
        let inner = try repository.folder("inner", [repository.file("x", "x")])
        let folder = try repository.folder("d", [repository.file("f", "hello"), inner])
        try repository.snapshot("c", milliseconds: 1000, [folder])
        try repository.snapshot("c", milliseconds: 2000, [folder])
        let bench = try MountBench(repository, ":")
        let paths = ["1970-01-01T00.00.01Z", "1970-01-01T00.00.02Z"].map { "channels/c/\($0)/d" }
        #expect(try bench.find("\(paths[0])/f").node == bench.find("\(paths[1])/f").node)
        #expect(
            try bench.find("\(paths[0])/inner/x").attributes.inode
                == bench.find("\(paths[1])/inner/x").attributes.inode
        )
        #expect(try bench.find("\(paths[0])/inner").node != bench.find("\(paths[1])/inner").node)
        #expect(try bench.find(paths[0]).attributes.inode != bench.find(paths[1]).attributes.inode)
    }

    @Test("a folder that shows a replaced child shares nothing with the folder as it is stored")
    func overlays() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [repository.file("f", "old"), repository.file("g", "g")])
        let plain = TestRepository.rooted(folder, "plain")
        let other = try TestRepository.rooted(repository.file("f", "new"), "d/f")
        try repository.snapshot("c", milliseconds: 1, [plain, folder, other])
        let bench = try MountBench(repository, "c")
        let (stored, replaced) = (try bench.find("plain/f"), try bench.find("d/f"))
        #expect(stored.node != replaced.node)
        #expect(try bench.text(stored.node) == "old")
        #expect(try bench.text(replaced.node) == "new")
        #expect(try bench.find("plain/g").node != bench.find("d/g").node)
    }

    @Test("inode numbers are the same after a remount, and agree between lookup and listing")
    func inodes() throws {
        let repository = try TestRepository()
        let inner = try repository.folder("inner", [repository.file("x", "x")])
        try repository.snapshot(
            "c",
            milliseconds: 1,
            [try repository.folder("d", [inner, repository.file("f", "f")])]
        )
        let first = try MountBench(repository, "c")
        let second = try MountBench(repository, "c")
        _ = try second.list(.root)
        for path in ["d", "d/inner", "d/inner/x", "d/f"] {
            #expect(try first.find(path).attributes.inode == second.find(path).attributes.inode)
        }
        let listed = try first.list(first.find("d").node)
        for (name, shown) in listed.dropFirst(2) {
            #expect(try shown.attributes.inode == first.find("d/\(name)").attributes.inode)
        }
    }

    @Test("what two versions of a folder have in common has one inode number, and nothing else has")
    func versionInodes() throws {
        let repository = try TestRepository()
        var files = try (0..<300).map { try repository.file("f\(1000 + $0)", "\($0)") }
        let sub = try repository.folder("sub", [])
        try repository.snapshot("c", milliseconds: 1000, [repository.folder("d", files + [sub])])
        files[100] = try repository.file("f1100", "changed")
        files[200] = try repository.file("f1200", "200", mode: 0o600)
        files.remove(at: 50)
        files.insert(try repository.file("f1000a", "new"), at: 1)
        try repository.snapshot("c", milliseconds: 2000, [repository.folder("d", files + [sub])])
        try repository.snapshot("other", milliseconds: 2000, [repository.folder("e", files)])
        let bench = try MountBench(repository, ":")
        func inodes(_ path: String) throws -> [String: UInt64] {
            let shown = try bench.list(bench.find(path).node).dropFirst(2)
            for (name, item) in shown {
                #expect(try bench.find("\(path)/\(name)").attributes.inode == item.attributes.inode)
            }
            return Dictionary(uniqueKeysWithValues: shown.map { ($0.0, $0.1.attributes.inode) })
        }
        let paths = ["1970-01-01T00.00.01Z", "1970-01-01T00.00.02Z"].map { "channels/c/\($0)/d" }
        let (old, new) = (try inodes(paths[0]), try inodes(paths[1]))
        let same = old.keys.filter { old[$0] == new[$0] }
        #expect(Set(old.keys).subtracting(same) == ["sub", "f1050", "f1100", "f1200"])
        #expect(Set(old.values).union(new.values).count == old.count + 4)
        #expect(try bench.find("\(paths[0])/f1000").node != bench.find("\(paths[1])/f1000").node)
        #expect(try bench.text(bench.find("\(paths[1])/f1100").node) == "changed")
        #expect(try bench.text(bench.find("\(paths[1])/f1000a").node) == "new")
        #expect(Set(try inodes("channels/other/1970-01-01T00.00.02Z/e").values).isDisjoint(with: old.values))
    }

    @Test("the table holds what the kernel holds, and forgets the rest")
    func forgetting() throws {
        let repository = try TestRepository()
        var inner = try repository.file("f", "deep")
        for depth in 0..<20 { inner = try repository.folder("d\(depth)", [inner]) }
        try repository.snapshot("c", milliseconds: 1, [inner])
        let bench = try MountBench(repository, "c")
        let path = (0..<20).reversed().map { "d\($0)" } + ["f"]
        var handed: [NodeNumber] = []
        var parent = NodeNumber.root
        for name in path {
            let shown = try #require(try bench.lookup(name, in: parent))
            handed.append(shown.node)
            parent = shown.node
        }
        #expect(bench.view.nodes.count > 20)
        // The kernel may forget a folder before what is in it, as long as nobody looks.
        for node in handed.shuffled() { bench.view.forget([(node: node, count: UInt64(1))]) }
        #expect(bench.view.nodes.count == 1)
        #expect(try bench.text(bench.find(path.joined(separator: "/")).node) == "deep")
        #expect(errnoWord { _ = try bench.read(handed[20]) } == "stale")
    }

    @Test("numbers stay good when every blob was evicted meanwhile")
    func evicted() throws {
        let repository = try TestRepository()
        let folder = try repository.folder(
            "d",
            [repository.file("f", "hello"), repository.file("g", "there")]
        )
        try repository.snapshot("c", milliseconds: 1, [folder])
        let bench = try MountBench(repository, "c", cacheByteLimit: 1)
        let (first, second) = (try bench.find("d/f"), try bench.find("d/g"))
        for _ in 0..<3 {
            #expect(try bench.text(first.node) == "hello")
            #expect(try bench.text(second.node) == "there")
        }
    }

    @Test("what could not be saved has a size to fail on")
    func unreadable() throws {
        let repository = try TestRepository()
        let entries = [
            TestRepository.entry("file", .file, size: 0),
            TestRepository.entry("link", .link),
            TestRepository.entry("folder", .directory),
            TestRepository.entry("fifo", .unknown),
            TestRepository.neverStated("ghost"),
        ]
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", entries)])
        let bench = try MountBench(repository, "c:d")
        #expect(try bench.list(.root).map(\.0) == [".", "..", "file", "link", "folder", "ghost"])
        #expect(try bench.lookup("fifo") == nil)
        for name in ["file", "ghost", "link"] { #expect(try bench.find(name).attributes.size >= 1) }
        #expect(try bench.find("ghost").attributes.permissions == 0)
        #expect(try bench.find("ghost").attributes.kind == .file)
        #expect(errnoWord { _ = try bench.read(bench.find("file").node) } == "unreadable")
        #expect(errnoWord { _ = try bench.read(bench.find("ghost").node) } == "unreadable")
        #expect(errnoWord { _ = try bench.list(bench.find("folder").node) } == "unreadable")
    }

    @Test("a damaged, cut, missing or swapped object fails its readers, and only them, until it is back")
    func damage() throws {
        let repository = try TestRepository()
        let good = try repository.file("good", "good")
        let bad = try repository.file("bad", "something else")
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", [good, bad])])
        let name = try #require(bad.objectID).objectName
        let original = try #require(repository.storage[name])
        var flipped = original
        flipped[flipped.count / 2] ^= 1
        let other = repository.storage[try #require(good.objectID).objectName]
        for damaged in [flipped, Array(original.dropLast()), nil, other] {
            repository.storage[name] = damaged
            let bench = try MountBench(repository, "c")
            let node = try bench.find("d/bad").node
            #expect(errnoWord { _ = try bench.read(node) }.hasPrefix("damaged"))
            #expect(try bench.text(bench.find("d/good").node) == "good")
            repository.storage[name] = original
            let repaired = try MountBench(repository, "c")
            #expect(try repaired.text(repaired.find("d/bad").node) == "something else")
        }
    }

    @Test(
        "a read gives exactly the bytes of the file, wherever its chunks and gaps are",
        arguments: [1, 2, 3] as [UInt64]
    )
    func chunks(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let repository = try TestRepository()
        var content: [UInt8] = []
        var chunks: [FileTable.Chunk] = []
        for _ in 0..<20 {
            content += [UInt8](repeating: 0, count: Int(random.next() % 3) * 100)
            let bytes = random.bytes(Int(random.next() % 5000))
            let hash = try repository.store(.chunk, bytes).hash
            chunks.append(
                FileTable.Chunk(offset: Int64(content.count), byteCount: Int32(bytes.count), hash: hash)
            )
            content += bytes
        }
        let table = try repository.store(.file, FileTable.encode(chunks, size: Int64(content.count)))
        let entry = TestRepository.entry("f", .file, hash: table.hash, size: Int64(content.count))
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", [entry])])
        let bench = try MountBench(repository, "c:d", cacheByteLimit: 6000)
        let node = try bench.find("f").node
        #expect(try bench.read(node).joined == content)
        for _ in 0..<200 {
            let start = Int(random.next() % UInt64(content.count + 10))
            let count = Int(random.next() % 9000)
            let bytes = try bench.read(node, at: UInt64(start), count: count)
            #expect(bytes.joined == Array(content.dropFirst(start).prefix(count)))
            #expect(bytes.correction == .none)
        }
    }

    @Test("the blob overrules a wrong size, and the kernel is told once", arguments: [0, 3, 100] as [Int64])
    func sizes(claimed: Int64) throws {
        let repository = try TestRepository()
        var entry = try repository.file("f", "hello")
        entry.size = claimed
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", [entry])])
        let bench = try MountBench(repository, "c:d")
        let listed = try bench.list(.root)
        #expect((listed[2].1.node == .none) == (claimed == 0))
        let found = try bench.find("f")
        #expect(found.attributes.size == UInt64(claimed == 0 ? 5 : claimed))
        let correction = try bench.read(found.node).correction
        #expect(correction == (claimed > 5 ? .shrank : .grew))
        #expect(try bench.read(found.node).correction == .none)
        let after = try bench.run { (loaded) throws(Obstacle) in
            try bench.view.attributes(of: found.node, loaded)
        }
        #expect(after.attributes.size == 5)
    }

    @Test("a name that is too long is an error, in whatever folder; one byte less is only absent")
    func longNames() throws {
        let repository = try TestRepository()
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", [])])
        for (identifier, folders) in [("c", ["d"]), (":", ["channels", "snapshots", "channels/c"])] {
            let bench = try MountBench(repository, identifier)
            for parent in try [.root] + folders.map({ try bench.find($0).node }) {
                #expect(try bench.lookup(String(repeating: "x", count: 255), in: parent) == nil)
                #expect(
                    errnoWord { _ = try bench.lookup(String(repeating: "x", count: 256), in: parent) }
                        == "nameTooLong"
                )
            }
        }
    }

    @Test("hostile names and repeated names are hidden, the rest is shown")
    func hostileNames() throws {
        let repository = try TestRepository()
        let names = ["ok", "..", "a/b", "", String(repeating: "x", count: 256), "ok", "last"]
        let entries = try names.map { try repository.file($0, "content of \($0)") }
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("d", entries)])
        let bench = try MountBench(repository, "c:d")
        #expect(try bench.list(.root).map(\.0) == [".", "..", "ok", "last"])
        #expect(try bench.text(bench.find("ok").node) == "content of ok")
    }

    @Test("numbers that were never handed out are refused")
    func strangeNumbers() throws {
        let repository = try TestRepository()
        try repository.snapshot(
            "c",
            milliseconds: 1,
            [try repository.folder("d", [repository.file("f", "f")])]
        )
        let bench = try MountBench(repository, "c")
        _ = try bench.find("d/f")
        for number in [0, 2, 0x100_0000, 0x100_0063, 0x2ff_ffff, 0x300_0000, UInt64.max] {
            let node = NodeNumber(rawValue: number)
            #expect(errnoWord { _ = try bench.read(node) } != "none")
            #expect(
                errnoWord {
                    _ = try bench.run { (loaded) throws(Obstacle) in try bench.view.target(of: node, loaded) }
                }
                    != "none"
            )
        }
    }

    @Test("new snapshots appear under new names; old names and numbers stay")
    func live() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [repository.file("f", "one")])
        try repository.snapshot("a/b", milliseconds: 1000, [folder])
        let bench = try MountBench(repository, ":")
        #expect(try bench.list(.root).map(\.0) == [".", "..", "channels", "snapshots", "history"])
        let old = try bench.find("channels/a%2Fb/1970-01-01T00.00.01Z")
        let folder2 = try repository.folder("d", [repository.file("f", "two")])
        let second = try repository.snapshot("a/b", milliseconds: 1500, [folder2])
        try repository.snapshot("new", milliseconds: 500, [folder2])
        let notices = bench.view.update(
            try repository.repository.listTags(),
            at: Timestamp(milliseconds: 9000)
        )
        #expect(notices.count == 4)
        let names = try bench.list(bench.find("channels/a%2Fb").node).map(\.0)
        let name = "1970-01-01T00.00.01Z~" + second.description.dropFirst().prefix(8)
        #expect(names == [".", "..", "1970-01-01T00.00.01Z", name, "latest"])
        #expect(try bench.find("channels/a%2Fb/1970-01-01T00.00.01Z").node == old.node)
        let latest = try bench.find("channels/a%2Fb/latest")
        let target = try bench.run { (loaded) throws(Obstacle) in
            try bench.view.target(of: latest.node, loaded)
        }
        #expect(String(decoding: target, as: UTF8.self) == name)
        #expect(try bench.text(bench.find("channels/a%2Fb/\(name)/d/f").node) == "two")
        #expect(try bench.text(bench.find("snapshots/\(second)/d/f").node) == "two")
        #expect(try bench.find("channels").attributes.modification == Timestamp(milliseconds: 9000))
        #expect(bench.view.update(try repository.repository.listTags(), at: .now()).isEmpty)
    }

    @Test(
        "channels become names",
        arguments: [
            ("web", "web"), ("a/b%c", "a%2Fb%25c"), (".hidden.x", "%2Ehidden.x"), ("\u{1}\u{7f}", "%01%7F"),
            ("..", "%2E."),
        ]
    )
    func channelNames(channel: String, name: String) {
        #expect(String(decoding: LiveNames.folder(ofChannel: Array(channel.utf8)), as: UTF8.self) == name)
    }

    @Test("a channel too long for a name is cut between escapes")
    func longChannelName() {
        let channel = [UInt8](repeating: UInt8(ascii: "/"), count: 200)
        let name = LiveNames.folder(ofChannel: channel)
        #expect(name.count <= 255)
        #expect(String(decoding: name, as: UTF8.self).contains("%2F%~"))
    }

    @Test("random operations agree with the tree that was saved", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let repository = try TestRepository()
        var contents: [String: String] = [:]
        func make(_ path: String, _ depth: Int) throws -> [Entry] {
            try (0..<Int(random.next() % 6 + 1)).map { index in
                let name = "n\(index)"
                if depth > 0, random.next() % 2 == 0 {
                    return try repository.folder(name, make("\(path)\(name)/", depth - 1))
                }
                contents["\(path)\(name)"] = "\(random.next() % 8)"
                return try repository.file(name, contents["\(path)\(name)"] ?? "")
            }
        }
        try repository.snapshot("c", milliseconds: 1, [try repository.folder("top", make("top/", 4))])
        let bench = try MountBench(repository, "c", cacheByteLimit: 3000)
        let paths = contents.keys.sorted()
        var held: [(path: String, nodes: [NodeNumber])] = []
        for _ in 0..<400 {
            let path = paths[Int(random.next() % UInt64(paths.count))]
            switch random.next() % 3 {
            case 0:
                var nodes: [NodeNumber] = []
                for name in path.split(separator: "/") {
                    nodes.append(try #require(try bench.lookup(String(name), in: nodes.last ?? .root)).node)
                }
                held.append((path, nodes))
            case 1 where !held.isEmpty:
                let (path, nodes) = held.remove(at: Int(random.next() % UInt64(held.count)))
                #expect(try bench.text(try #require(nodes.last)) == contents[path])
                bench.view.forget(nodes.reversed().map { (node: $0, count: UInt64(1)) })
            default:
                guard let (path, nodes) = held.last, let node = nodes.last else { continue }
                #expect(try bench.text(node) == contents[path])
            }
        }
        for (_, nodes) in held { bench.view.forget(nodes.map { (node: $0, count: UInt64(1)) }) }
        #expect(bench.view.nodes.count == 1)
    }
}
