import TestSupport
import Testing

@testable import Core

/// The versions of saved paths, in a mounted repository.
@Suite struct HistoryTests {
    /// Four snapshots of two channels; `notes` changes once and comes back, `same` never changes.
    private func repository() throws -> TestRepository {
        let repository = try TestRepository()
        for (day, text) in [(1, "one"), (2, "two"), (3, "one"), (4, "two")] {
            let folder = try repository.folder(
                "alice",
                [repository.file("notes", text), repository.file("same", "same")]
            )
            let channel = day == 2 ? "web/a" : "db"
            try repository.snapshot(
                channel,
                milliseconds: moment(day),
                [TestRepository.rooted(folder, "home/alice")]
            )
        }
        return repository
    }

    private func moment(_ day: Int) -> Int64 { Int64(day - 1) * 86_400_000 }

    private func names(_ bench: MountBench, _ path: String) throws -> [String] {
        Array(try bench.list(bench.find(path).node).map(\.0).dropFirst(2))
    }

    /// How often the storage was asked for blobs of the metadata catalog.
    private func metadataLoads(_ bench: MountBench) -> Int {
        bench.storage.requests.count(where: { $0.verb == .get && $0.name.hasPrefix("blobs/M") })
    }

    @Test("a path lists its distinct versions only, each by the oldest snapshot that holds it")
    func distinct() throws {
        let bench = try MountBench(repository(), ":")
        let first = "1970-01-01T00.00.00Z@db"
        let second = "1970-01-02T00.00.00Z@web%2Fa"
        #expect(try names(bench, "history") == [])
        for path in ["home", "home/alice", "home/alice/notes"] {
            #expect(try names(bench, "history/\(path)") == [first, second])
        }
        #expect(try names(bench, "history/home/alice/same") == [first])
        #expect(try bench.text(bench.find("history/home/alice/notes/\(second)").node) == "two")
        #expect(try bench.text(bench.find("history/home/alice/\(second)/notes").node) == "two")
        #expect(try bench.text(bench.find("history/home/\(first)/alice/notes").node) == "one")
        for absent in ["none", "home/none", "home/alice/notes/none", "home/alice/\(first)/none", first] {
            #expect(throws: RekkordError.self) { try bench.find("history/\(absent)") }
        }
    }

    @Test("a listing can go on anywhere, and says what each version is")
    func listing() throws {
        let bench = try MountBench(repository(), ":")
        let node = try bench.find("history/home/alice").node
        let all = try bench.list(node)
        #expect(try bench.list(node, atATime: 1).map(\.0) == all.map(\.0))
        #expect(all.allSatisfy { $0.1.attributes.kind == .folder })
        let file = try bench.find("history/home/alice/notes").node
        #expect(try bench.list(file).dropFirst(2).allSatisfy { $0.1.attributes.kind == .file })
        let attributes = try bench.find("history/home/alice").attributes
        #expect(attributes.links == 4 && attributes.permissions == 0o555 && attributes.uid == 7)
        #expect(attributes.modification == Timestamp(milliseconds: moment(2)))
        #expect(try bench.attributes(node) == attributes)
    }

    @Test("a file has the same number as in its snapshot, so its pages are there already")
    func shared() throws {
        let bench = try MountBench(repository(), ":")
        let version = try bench.find("history/home/alice/notes/1970-01-01T00.00.00Z@db")
        let original = try bench.find("channels/db/1970-01-01T00.00.00Z/home/alice/notes")
        #expect(version.node == original.node)
        #expect(version.attributes == original.attributes)
        let third = try bench.find("channels/db/1970-01-03T00.00.00Z/home/alice/notes")
        #expect(version.node == third.node)
    }

    @Test("looking at the versions first changes no inode number of what two snapshots have in common")
    func inodesAfterwards() throws {
        let repository = try TestRepository()
        let same = try repository.file("same", "same")
        for (day, text) in [(1, "1"), (2, "22")] {
            let folder = try repository.folder("d", [repository.file("changed", text), same])
            try repository.snapshot("c", milliseconds: moment(day), [folder])
        }
        let names = ["1970-01-01T00.00.00Z", "1970-01-02T00.00.00Z"]
        for isHistory in [true, false] {
            let bench = try MountBench(repository, ":")
            let snapshot = try bench.list(bench.find("snapshots").node)[2].0
            _ = try bench.find(isHistory ? "history/d/same/\(names[0])@c" : "snapshots/\(snapshot)/d/same")
            let inodes = try names.map { try bench.find("channels/c/\($0)/d/same").attributes.inode }
            #expect(inodes[0] == inodes[1])
        }
    }

    @Test("a listing with a snapshot from the future has another time after each change")
    func future() throws {
        let repository = try TestRepository()
        func save(_ day: Int, _ text: String) throws {
            let folder = try repository.folder("d", [repository.file("f", text)])
            try repository.snapshot("c", milliseconds: moment(day), [folder])
        }
        try save(1, "1")
        try save(40_000, "from the future")
        let bench = try MountBench(repository, ":")
        let node = try bench.find("history/d/f").node
        var times = [try bench.attributes(node).modification]
        for day in [10, 11] {
            try save(day, "\(day)")
            _ = bench.view.update(
                try repository.repository.listTags(),
                at: Timestamp(milliseconds: moment(day))
            )
            times.append(try bench.attributes(node).modification)
        }
        #expect(Set(times).count == 3)
        #expect(try bench.list(node).count == 2 + 4)
    }

    @Test("messages name the version that is meant")
    func paths() throws {
        let repository = try repository()
        let file = try repository.file("letter", "text")
        try repository.snapshot("db", milliseconds: moment(9), [TestRepository.rooted(file, "srv/letter")])
        let bench = try MountBench(repository, ":")
        let versions = ["home/alice/1970-01-02T00.00.00Z@web%2Fa", "srv/letter/1970-01-09T00.00.00Z@db"]
        for path in (versions + ["home/alice/notes"]).map({ "history/" + $0 }) {
            let node = try bench.find(path).node
            let printed = try bench.run { (loaded) throws(Obstacle) in bench.view.path(of: node, nil, loaded)
            }
            #expect(String(decoding: printed, as: UTF8.self) == path)
        }
    }

    @Test("any snapshot that holds the path can be named, though it is not listed")
    func otherNames() throws {
        let bench = try MountBench(repository(), ":")
        let name = "1970-01-04T00.00.00Z@db"
        #expect(try !names(bench, "history/home/alice/notes").contains(name))
        #expect(try bench.text(bench.find("history/home/alice/notes/\(name)").node) == "two")
        for wrong in ["1970-01-04T00.00.00Z@web%2Fa", "1970-01-04T00.00.00Z", "@db", "1970-01-04T00.00.00Z@"]
        {
            #expect(throws: RekkordError.self) { try bench.find("history/home/alice/notes/\(wrong)") }
        }
    }

    @Test("a version has the attributes and extended attributes of what was saved")
    func attributes() throws {
        let bench = try MountBench(repository(), ":")
        let name = "1970-01-02T00.00.00Z@web%2Fa"
        let folder = try bench.find("history/home/alice/\(name)")
        let original = try bench.find("channels/web%2Fa/1970-01-02T00.00.00Z/home/alice")
        #expect(folder.node != original.node && folder.attributes.inode != original.attributes.inode)
        #expect(folder.attributes.permissions == original.attributes.permissions)
        #expect(try bench.attributes(folder.node) == folder.attributes)
        for word in ["oid", "size"] {
            let value = try bench.extended("user.rekkord.\(word)", of: folder.node)
            #expect(try value == bench.extended("user.rekkord.\(word)", of: original.node))
        }
        let path = try bench.find("history/home/alice").node
        #expect(throws: MountFailure.self) { try bench.extended("user.rekkord.oid", of: path) }
        #expect(
            try bench.run { (loaded) throws(Obstacle) in
                try bench.view.extendedAttributeNames(of: path, loaded)
            }.isEmpty
        )
    }

    @Test("another mode or time makes a version; a read or a rename beside it does not")
    func reasons() throws {
        let repository = try TestRepository()
        var file = try repository.file("f", "content")
        var changes: [(inout Entry) -> Void] = [{ _ in }]
        changes.append { $0.attributes.mode = 0o600 }
        changes.append { $0.attributes.mtime = Timestamp(milliseconds: 5) }
        changes.append { $0.attributes.uid = 5 }
        changes.append { $0.extended = [1, 0, 1, 0] + Array("ab".utf8) }
        changes.append {
            $0.attributes.atime = Timestamp(milliseconds: 5); $0.attributes.flags.insert(.accessTime)
        }
        changes.append { $0.attributes.ctime = Timestamp(milliseconds: 5) }
        for (day, change) in changes.enumerated() {
            change(&file)
            let folder = try repository.folder("d", [file, repository.file("other\(day)", "x")])
            try repository.snapshot("c", milliseconds: moment(day + 1), [folder])
        }
        let bench = try MountBench(repository, ":")
        #expect(try names(bench, "history/d").count == 7)
        #expect(
            try names(bench, "history/d/f").map { String($0.prefix(10)) } == (1...5).map { "1970-01-0\($0)" }
        )
    }

    @Test("files, folders and links at one path, saved paths in saved paths, and single files")
    func kinds() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("p", [repository.file("f", "inner")])
        let states: [Entry] = [try repository.file("p", "plain"), folder, try repository.link("p", "q")]
        for (day, entry) in states.enumerated() {
            try repository.snapshot(
                "c",
                milliseconds: moment(day + 1),
                [TestRepository.rooted(entry, "top/p")]
            )
        }
        let extra = TestRepository.rooted(try repository.file("g", "laid over"), "top/p/g")
        try repository.snapshot(
            "c",
            milliseconds: moment(4),
            [TestRepository.rooted(folder, "top/p"), extra]
        )
        let bench = try MountBench(repository, ":")
        let versions = try bench.list(bench.find("history/top/p").node).dropFirst(2)
        #expect(versions.map { $0.1.attributes.kind } == [.file, .folder, .link, .folder])
        let names = versions.map(\.0)
        #expect(try bench.text(bench.find("history/top/p/\(names[0])").node) == "plain")
        #expect(try bench.text(bench.find("history/top/p/\(names[3])/g").node) == "laid over")
        #expect(try bench.text(bench.find("history/top/p/\(names[3])/f").node) == "inner")
        #expect(throws: RekkordError.self) { try bench.find("history/top/p/\(names[1])/g") }
        #expect(try self.names(bench, "history/top/p/g") == [names[3]])
        #expect(try self.names(bench, "history/top/p/f") == [names[1]])
        let link = try bench.find("history/top/p/\(names[2])").node
        let target = try bench.run { (loaded) throws(Obstacle) in try bench.view.target(of: link, loaded) }
        #expect(target == Array("q".utf8))
        let plain = try bench.find("history/top/p/\(names[0])")
        #expect(try bench.attributes(plain.node) == plain.attributes)
    }

    @Test("a version hides a deeper path of the same name, which its versions still show")
    func collision() throws {
        let repository = try TestRepository()
        let name = "1970-01-01T00.00.00Z@c"
        let folder = try repository.folder(
            "d",
            [repository.file(name, "a file"), repository.file("1970@c", "other")]
        )
        try repository.snapshot("c", milliseconds: 0, [folder])
        let bench = try MountBench(repository, ":")
        #expect(try bench.find("history/d/\(name)").attributes.kind == .folder)
        #expect(try bench.text(bench.find("history/d/\(name)/\(name)").node) == "a file")
        #expect(try bench.text(bench.find("history/d/1970@c/\(name)").node) == "other")
    }

    @Test("channels with long names are cut, and still found")
    func longChannels() throws {
        let repository = try TestRepository()
        let channels =
            ["x", "y"].map { String(repeating: "/", count: 200) + $0 } + [String(repeating: "z", count: 160)]
        for (day, channel) in channels.enumerated() {
            let file = try repository.file("f", "\(day)")
            try repository.snapshot(channel, milliseconds: 0, [file])
        }
        let bench = try MountBench(repository, ":")
        let names = try names(bench, "history/f")
        #expect(Set(names).count == 3 && names.allSatisfy { $0.utf8.count <= 255 })
        #expect(try Set(names.map { try bench.text(bench.find("history/f/\($0)").node) }) == ["0", "1", "2"])
    }

    // MARK: Work

    @Test("equal folders are looked into once, however many snapshots hold them")
    func work() throws {
        let repository = try TestRepository()
        for day in 1...300 {
            let deep = try repository.folder("deep", [repository.file("f", day < 200 ? "old" : "new")])
            let middle = try repository.folder("middle", [deep, repository.file("g", "\(day / 100)")])
            let root = try repository.folder("top", [middle, repository.file("h", "\(day / 10)")])
            try repository.snapshot("c", milliseconds: Int64(day) * 1000, [root])
        }
        let bench = try MountBench(repository, ":", cacheByteLimit: 64 << 20)
        bench.storage.forgetRequests()
        #expect(try names(bench, "history/top").count == 31)
        // Each snapshot has a blob of its own.
        #expect(metadataLoads(bench) == 300)
        #expect(try names(bench, "history/top/middle/deep/f").count == 2)
        #expect(metadataLoads(bench) == 300 + 31 + 4 + 2)
        // What is known is not looked for again, in whatever order it is asked for.
        _ = try names(bench, "history/top/middle/deep")
        _ = try names(bench, "history/top/middle/g")
        #expect(try bench.lookup("none", in: bench.find("history/top/middle").node) == nil)
        #expect(metadataLoads(bench) == 337)
    }

    @Test("with hardly any memory everything is found all the same", arguments: [0, 3000, 100_000])
    func smallMemory(limit: Int) throws {
        let bench = try MountBench(repository(), ":", cacheByteLimit: limit)
        #expect(try names(bench, "history/home/alice/notes").count == 2)
        #expect(try names(bench, "history/home/alice/same").count == 1)
    }

    @Test("the kernel's numbers are all that is kept")
    func forgetting() throws {
        let bench = try MountBench(repository(), ":")
        var nodes: [NodeNumber] = []
        for name in ["history", "home", "alice", "notes", "1970-01-01T00.00.00Z@db"] {
            nodes.append(try #require(try bench.lookup(name, in: nodes.last ?? .root)).node)
        }
        _ = try bench.list(nodes[3])
        #expect(bench.view.nodes.count > 1)
        bench.view.forget(nodes.reversed().map { (node: $0, count: UInt64(1)) })
        #expect(bench.view.nodes.count == 1)
    }

    // MARK: New snapshots

    @Test("new snapshots extend what is known, and old names stay right")
    func live() throws {
        let repository = try repository()
        let bench = try MountBench(repository, ":", cacheByteLimit: 64 << 20)
        let path = try bench.find("history/home/alice/notes")
        let before = try names(bench, "history/home/alice/notes")
        let old = try bench.find("history/home/alice/notes/\(before[0])")
        bench.storage.forgetRequests()
        let folder = try repository.folder("alice", [repository.file("notes", "three")])
        let root = TestRepository.rooted(folder, "home/alice")
        try repository.snapshot("db", milliseconds: moment(9), [root])
        // One that was made before all others and turns up now.
        let late = try repository.folder(
            "alice",
            [repository.file("notes", "one"), repository.file("late", "")]
        )
        try repository.snapshot("slow", milliseconds: -1000, [TestRepository.rooted(late, "home/alice")])
        _ = bench.view.update(try repository.repository.listTags(), at: Timestamp(milliseconds: moment(10)))
        let after = try names(bench, "history/home/alice/notes")
        #expect(after.sorted() == ["1969-12-31T23.59.59Z@slow", before[1], "1970-01-09T00.00.00Z@db"])
        #expect(try bench.find("history/home/alice/notes/\(before[0])").node == old.node)
        #expect(try bench.find("history/home/alice/notes").node == path.node)
        #expect(try bench.attributes(path.node).modification > path.attributes.modification)
        #expect(try names(bench, "history/home/alice/late") == ["1969-12-31T23.59.59Z@slow"])
        // Two snapshots and their folders; nothing of the others.
        #expect(metadataLoads(bench) == 4)
    }

    @Test("a snapshot that is listed no longer is not named any more")
    func withheld() throws {
        let repository = try repository()
        let bench = try MountBench(repository, ":")
        let before = try names(bench, "history/home/alice/notes")
        for object in repository.storage.names where object.hasPrefix("tags/") {
            repository.storage[object] = nil
        }
        let folder = try repository.folder(
            "alice",
            [repository.file("notes", "two"), repository.file("same", "same")]
        )
        try repository.snapshot("db", milliseconds: moment(4), [TestRepository.rooted(folder, "home/alice")])
        _ = bench.view.update(try repository.repository.listTags(), at: .now())
        #expect(try names(bench, "history/home/alice/notes") == ["1970-01-04T00.00.00Z@db"])
        #expect(throws: RekkordError.self) { try bench.find("history/home/alice/notes/\(before[0])") }
    }

    // MARK: Faults

    @Test(
        "damage of one snapshot hides no other, ends the list, is told once for each path, and makes nothing absent"
    )
    func damage() throws {
        let repository = try repository()
        let bench = try MountBench(repository, ":")
        let second = try #require(
            try repository.repository.listTags().tags.first { $0.time.milliseconds == moment(2) }
        )
        repository.storage[second.snapshot.objectName] = nil
        let notes = try bench.find("history/home/alice/notes").node
        for _ in 1...2 {
            var known: [String] = []
            let failure = #expect(throws: MountFailure.self) { try bench.list(notes) { known.append($0) } }
            guard case .damaged? = failure else {
                throw RekkordError(.system, "not damaged: \(failure as Any)")
            }
            #expect(known.dropFirst(2) == ["1970-01-01T00.00.00Z@db", "1970-01-04T00.00.00Z@db"])
        }
        let alice = try bench.find("history/home/alice").node
        let absent = #expect(throws: MountFailure.self) { try bench.lookup("never there", in: alice) }
        guard case .damaged? = absent else { throw RekkordError(.system, "not damaged: \(absent as Any)") }
        #expect(bench.warnings.count == 1)
        #expect(bench.warnings[0].contains(second.snapshot.description.prefix(7)))
    }

    @Test("what was damaged is asked for again after a while")
    func repair() {
        var table = HistoryTable(identity: 1, around: 0)
        table.extend(to: 2, now: 0)
        table.note((digest: .zero, kind: .file, source: nil), at: 0, keptByteCount: 0)
        table.noteDamage(RekkordError(.corrupted, "bad"), at: 1, now: 100)
        table.finish(7, [3, 4], at: .now(), <)
        #expect(table.isComplete(7, now: 200) && !table.isComplete(8, now: 200))
        table.extend(to: 2, now: 200)
        #expect(table.findings == [.version(0), .damaged])
        #expect(!table.isComplete(7, now: 10_000))
        table.extend(to: 2, now: 10_000)
        #expect(table.findings == [.version(0), .unknown])
        #expect(table.isComplete(7, now: 20_000))
    }

    @Test("a storage that cannot be reached fails the request, and leaves nothing wrong behind")
    func outage() throws {
        let bench = try MountBench(repository(), ":")
        let history = try bench.find("history").node
        bench.storage.fail { number, _ in number >= 2 ? RekkordError(.storage, "down") : nil }
        #expect(throws: MountFailure.self) { try bench.lookup("home", in: history) }
        bench.storage.fail(nil)
        // Failures are remembered for a moment by the cache of blobs, so the outcome is that of the second try.
        let fresh = try MountBench(bench.repository, ":")
        #expect(try names(fresh, "history/home/alice/notes").count == 2)
        #expect(bench.warnings.isEmpty)
    }

    // MARK: Model

    @Test("agrees with all snapshots looked at one by one", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let repository = try TestRepository()
        /// The content of each path, by snapshot.
        var snapshots: [(name: String, contents: [String: String])] = []
        var tree: [String: String] = [:]
        func entries(_ prefix: String) throws -> [Entry] {
            let below = tree.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
            return try Set(below.map { $0.split(separator: "/")[0] }).sorted().map { name in
                let path = prefix + name
                if let text = tree[path] { return try repository.file(String(name), text) }
                return try repository.folder(String(name), entries(path + "/"))
            }
        }
        let bench: MountBench
        var order = Array(0..<12)
        order.shuffle(using: &random)
        func save(_ second: Int) throws {
            for _ in 0..<random.next() % 3 {
                let path =
                    "r/" + (0...random.next() % 3).map { _ in "n\(random.next() % 3)" }.joined(separator: "/")
                for other in tree.keys where other.hasPrefix(path + "/") || path.hasPrefix(other + "/") {
                    tree[other] = nil
                }
                tree[path] = random.next() % 4 == 0 ? nil : "\(random.next() % 3)"
            }
            guard !tree.isEmpty else { return }
            let channel = "c\(random.next() % 2)"
            try repository.snapshot(channel, milliseconds: Int64(second) * 1000, entries(""))
            snapshots.append(
                (
                    "\(CalendarTime.utcFileName(Timestamp(milliseconds: Int64(second) * 1000)))@\(channel)",
                    tree
                )
            )
        }
        for second in order[..<8] { try save(second) }
        bench = try MountBench(repository, ":", cacheByteLimit: Int(random.next() % 3) * 4000)
        func check() throws {
            for path in Set(snapshots.flatMap(\.contents.keys)) {
                var seen: Set<String> = []
                let held = snapshots.sorted { $0.name < $1.name }.filter { $0.contents[path] != nil }
                let expected = held.filter { seen.insert($0.contents[path] ?? "").inserted }
                let listed = try bench.list(bench.find("history/\(path)").node).dropFirst(2)
                let files = listed.filter { $0.1.attributes.kind == .file }.map(\.0).sorted()
                #expect(files == expected.map(\.name), "seed \(seed), \(path)")
                for version in expected {
                    let node = try bench.find("history/\(path)/\(version.name)").node
                    #expect(try bench.text(node) == version.contents[path], "seed \(seed), \(path)")
                }
            }
        }
        try check()
        for second in order[8...] {
            try save(second)
            _ = bench.view.update(try repository.repository.listTags(), at: .now())
        }
        try check()
    }
}
