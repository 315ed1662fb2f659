import TestSupport
import Testing

@testable import Core

/// What a mount tells of folders that no saver stored: those of snapshots and those put together of saved paths.
@Suite struct MountedAttributeTests {
    private func failure(_ body: () throws(MountFailure) -> Void) -> String {
        do throws(MountFailure) {
            try body()
            return "none"
        } catch {
            return "\(error)"
        }
    }

    private func totals(_ bench: MountBench, since: Int64 = 0) throws(MountFailure) -> MountTotals {
        try bench.run { (loaded) throws(Obstacle) in
            try bench.view.totals(since: since, isPatient: true, loaded)
        }
    }

    @Test("the folder of a snapshot counts its subfolders, which only asking for it by name reads")
    func snapshotLinks() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [])
        let roots = ["a", "b/x", "b/y", "c"].map { TestRepository.rooted(folder, $0) }
        let id = try repository.snapshot("c", milliseconds: 1000, roots)
        let bench = try MountBench(repository, ":")
        let parents = try ["channels/c", "snapshots"].map { try bench.find($0).node }
        bench.storage.forgetRequests()
        for parent in parents {
            let listed = try bench.list(parent)
            #expect(listed.count > 2)
            for (_, shown) in listed.dropFirst(2) where shown.attributes.kind == .folder {
                #expect(shown.node == .none)
            }
        }
        #expect(bench.storage.requests.isEmpty)
        let found = try bench.find("snapshots/\(id)")
        #expect(found.attributes.links == 5)
        #expect(try bench.attributes(found.node).links == 5)
        bench.storage.forgetRequests()
        #expect(try bench.list(parents[0])[2].1.attributes.links == 5)
        #expect(bench.storage.requests.isEmpty)
    }

    @Test("a damaged snapshot still shows, and keeps nobody from the others")
    func damagedSnapshot() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [])
        let bad = try repository.snapshot("c", milliseconds: 1000, [folder])
        let good = try repository.snapshot("c", milliseconds: 2000, [folder, repository.file("f", "f")])
        repository.storage[bad.objectName] = [1, 2, 3]
        let bench = try MountBench(repository, ":")
        #expect(try bench.find("snapshots/\(bad)").attributes.links == 2)
        #expect(try bench.find("snapshots/\(good)").attributes.links == 3)
        #expect(try totals(bench, since: MonotonicTime.milliseconds()).entryCount == 2)
    }

    @Test("the channels and snapshots that are shown are counted, not those that went")
    func liveLinks() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [])
        for (channel, time) in [("a", 1000), ("a", 2000), ("b", 3000)] {
            try repository.snapshot(channel, milliseconds: Int64(time), [folder])
        }
        let bench = try MountBench(repository, ":")
        func links(_ path: String) throws -> UInt32 { try bench.find(path).attributes.links }
        #expect(try [links("channels"), links("channels/a"), links("snapshots")] == [4, 4, 5])
        let tags = repository.storage.names.filter { $0.hasPrefix("tags/") }
        let all = try repository.repository.listTags()
        let newest = try #require(all.tags.last)
        for name in tags where name == newest.objectName { repository.storage[name] = nil }
        _ = bench.view.update(try repository.repository.listTags(), at: Timestamp(milliseconds: 9000))
        #expect(try [links("channels"), links("channels/a"), links("snapshots")] == [3, 4, 4])
    }

    @Test("the totals of a repository are those of all its snapshots, and each blob is read once")
    func totals() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [])
        for index in 0..<200 {
            let roots = (0...index % 3).map { TestRepository.rooted(folder, "r\(index)-\($0)") }
            try repository.snapshot("c", milliseconds: Int64(index) * 1000, roots, size: Int64(index))
        }
        let bench = try MountBench(repository, ":")
        bench.storage.forgetRequests()
        let known = try bench.run { (loaded) throws(Obstacle) in
            try bench.view.totals(since: 0, isPatient: false, loaded)
        }
        #expect(known == MountTotals(byteCount: 19_900, entryCount: 0))
        #expect(bench.storage.requests.isEmpty)
        let entries = (0..<200).reduce(0) { $0 + $1 % 3 + 1 }
        #expect(try totals(bench) == MountTotals(byteCount: 19_900, entryCount: UInt64(entries)))
        #expect(bench.storage.requests.count == 200)
        #expect(try totals(bench).entryCount == UInt64(entries))
        #expect(bench.storage.requests.count == 200)
    }

    @Test("the totals of a folder above saved paths are theirs, as far as they can be read")
    func totalsOfOverlays() throws {
        let repository = try TestRepository()
        let bytes = DirectoryBlob.encode(size: 8, entries: 2, children: [])
        let hash = try repository.store(.directory, bytes).hash
        let stored = TestRepository.entry("d", .directory, hash: hash, mode: 0o755)
        let gone = TestRepository.entry("gone", .directory, hash: .zero, mode: 0o755)
        let roots = [
            TestRepository.rooted(stored, "home/alice"), TestRepository.rooted(stored, "home/deep/bob"),
            TestRepository.rooted(gone, "home/gone"),
            TestRepository.rooted(try repository.file("f", "1234567"), "home/letter"),
            TestRepository.rooted(stored, "srv"),
        ]
        try repository.snapshot("c", milliseconds: 1000, roots)
        let bench = try MountBench(repository, "c:home")
        // Two folders of 8 bytes and 2 entries, one that cannot be read, and a file.
        #expect(try totals(bench) == MountTotals(byteCount: 8 + 8 + 7, entryCount: 3 + 3 + 1 + 1))
    }

    @Test("where no saved path has attributes of a kind that the system knows, that kind is not supported")
    func attributesOfOverlays() throws {
        let repository = try TestRepository()
        let folder = try repository.folder("d", [])
        func noted(_ path: String, _ keys: [String]) -> Entry {
            let notes = keys.map { ExtendedAttribute(key: Array($0.utf8), value: [49]) }
            let bytes = ExtendedAttributes.encode(notes).bytes
            return Entry(folder.attributes, name: Array(path.utf8), extended: bytes)
        }
        let all = ["user.n", "security.n", "rk.acl1"]
        let roots =
            ["home/alice", "with/plain", "user/plain", "lists/plain", "labels/plain"].map {
                TestRepository.rooted(folder, $0)
            } + [
                noted("with/noted", all), noted("user/noted", ["user.n"]), noted("lists/noted", ["rk.acl1d"]),
                noted("labels/noted", ["security.capability"]),
            ]
        try repository.snapshot("c", milliseconds: 1000, roots)
        let bench = try MountBench(repository, "c")
        for name in ["security.selinux", "system.posix_acl_access", "system.posix_acl_default"] {
            let other = name.hasPrefix("security") ? "lists/plain" : "labels/plain"
            for path in ["home", "with", "home/alice", "user/plain", "user/noted", other] {
                let node = try bench.find(path).node
                #expect(
                    failure { () throws(MountFailure) in _ = try bench.extended(name, of: node) }
                        == "attributesUnsupported"
                )
            }
            let own = name.hasPrefix("security") ? "labels/plain" : "lists/plain"
            for path in ["with/plain", own] {
                let node = try bench.find(path).node
                #expect(
                    failure { () throws(MountFailure) in _ = try bench.extended(name, of: node) }
                        == "noAttribute"
                )
            }
        }
        #expect(try bench.extended("user.n", of: bench.find("with/noted").node) == "1")
    }

    @Test("a folder with saved paths laid over it is merged once for all that is asked of it")
    func mergedOnce() throws {
        let repository = try TestRepository()
        let home = try repository.folder("home", [repository.file("a", "a"), repository.file("b", "b")])
        let roots = [home] + (0..<5).map { TestRepository.rooted(home, "home/r\($0)") }
        try repository.snapshot("c", milliseconds: 1000, roots)
        let bench = try MountBench(repository, "c")
        let shown = try bench.find("home")
        #expect(shown.attributes.links == 7)
        let place = try bench.run { (loaded) throws(Obstacle) in try bench.view.place(shown.node, loaded) }
        let merges = try (0..<2).map { _ in
            try #require(
                try bench.run { (loaded) throws(Obstacle) in try bench.view.open(place.source, loaded).merge }
            )
        }
        #expect(merges[0] === merges[1])
        #expect(try bench.list(shown.node).map(\.0) == [".", "..", "a", "b"] + (0..<5).map { "r\($0)" })
    }

    @Test(
        "what is kept of listings agrees with what they show",
        arguments: 0..<20 as Range<UInt64>
    )
    func summaries(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let repository = try TestRepository()
        let folder = try repository.folder("d", [])
        for index in 0..<12 {
            let roots = [TestRepository.rooted(folder, "r\(index)")]
            let time = Int64.random(in: 0...3, using: &random) * 1000
            try repository.snapshot(["a", "b"][index % 2], milliseconds: time, roots, size: Int64(index))
        }
        let objects = repository.storage.names.filter { $0.hasPrefix("tags/M/") }
        let tree = LiveTree()
        var hidden: [String: [UInt8]] = [:]
        for round in 0..<6 {
            let listing = try repository.repository.listTags()
            _ = tree.update(listing, at: round == 0 ? nil : Timestamp(milliseconds: Int64(round)))
            let state = tree.state
            #expect(state.snapshots.shownCount == listing.tags.count)
            #expect(state.snapshots.byteCount == UInt64(listing.tags.reduce(0) { $0 + $1.size }))
            #expect(state.snapshots.newestTime == listing.tags.last?.time)
            for channel in state.channels {
                let newest = listing.newest(of: channel.channel)
                #expect(channel.snapshots.newest.map { channel.snapshots.items[$0].id } == newest?.snapshot)
                #expect(channel.isShown == (newest != nil))
            }
            #expect(state.shownChannelCount == Set(listing.tags.map(\.channel)).count, "seed \(seed)")
            for (name, bytes) in hidden { repository.storage[name] = bytes }
            hidden = [:]
            for name in objects where Bool.random(using: &random) {
                hidden[name] = repository.storage[name]
                repository.storage[name] = nil
            }
        }
    }
}
