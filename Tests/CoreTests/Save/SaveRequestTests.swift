import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct SaveRequestTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
        try fixture.write("a/file", "one")
        try fixture.write("b/file", "two")
        fixture.link("link", to: "a")
    }

    /// Fails unless every request is one that `save` may send.
    private func check(_ keyID: KeyID?, listsBlobs: Bool = false) {
        let requests = fixture.storage.requests
        #expect(requests.filter { $0.verb == .get }.map(\.name) == ["rekkord"])
        #expect(requests.filter { $0.verb == .list }.map(\.name) == (listsBlobs ? ["blobs/"] : []))
        let writes = requests.filter { $0.verb != .get && $0.verb != .list }
        #expect(writes.allSatisfy { $0.verb == .create })
        #expect((1...2).contains(writes.filter { $0.name == "cw" }.count))
        let keys = writes.map(\.name).filter { $0.hasPrefix("keys/") }
        #expect(keys == (keyID.map { ["keys/\($0)"] } ?? []))
        for request in writes {
            let isAllowed = ["blobs/", "tags/M/", "tags/P/", "keys/"].contains { request.name.hasPrefix($0) }
            #expect(isAllowed || request.name == "cw")
        }
    }

    /// Fails unless the order of writes makes the snapshot appear whole and last.
    private func checkOrder() throws {
        let names = fixture.storage.requests.map(\.name)
        let snapshot = try #require(try fixture.test.repository.listTags().tags.last?.snapshot.objectName)
        let rank = names.map { name -> Int in
            switch name {
            case "rekkord": 0
            case "cw": 1
            case snapshot: 3
            default:
                name.hasPrefix("blobs/") ? 2 : name.hasPrefix("keys/") ? 4 : name.hasPrefix("tags/P/") ? 5 : 6
            }
        }
        #expect(rank == rank.sorted())
        #expect(rank.last == 6)
    }

    @Test("a save sends only what it may, whatever the cache holds", arguments: [false, true])
    func requests(isDerived: Bool) throws {
        let (text, keys) = try KeyFile.derive(.writeOnly, from: fixture.test.repository.keys)
        _ = text
        let used = isDerived ? keys : fixture.test.repository.keys
        let channel = Array("test".utf8)
        func run() throws {
            fixture.storage.forgetRequests()
            _ = try fixture.saver(used).save([fixture.operand(fixture.tree)], channel: channel)
            check(isDerived ? keys.id : nil)
            try checkOrder()
        }
        try run()
        try run()
        // A cache that is gone, one that is nonsense, one that lies about the content of the repository.
        unlink(fixture.cacheFolder.appending(LocalCache.fileName).string)
        try run()
        try fixture.folder.write(
            "cache/\(LocalCache.fileName)",
            "no database at all, but some text in its place"
        )
        try run()
        fixture.usesCache = false
        try run()
    }

    @Test("a missing probe is written, and misleads nobody")
    func missingProbe() throws {
        fixture.test.storage["cw"] = nil
        _ = try fixture.save()
        check(nil)
        #expect(fixture.storage.requests.filter { $0.name == "cw" }.count == 2)
    }

    @Test("without a snapshot there are neither tags nor badge")
    func withoutSnapshot() throws {
        _ = try fixture.saver().store(fixture.operand(fixture.tree))
        check(nil)
        #expect(
            !fixture.storage.requests.contains { $0.name.hasPrefix("tags/") || $0.name.hasPrefix("keys/") }
        )
    }

    @Test("a store without conditional writes is listed once, and no blob is written twice")
    func unconditional() throws {
        let plain = MemoryStorage(isConditional: false)
        for name in fixture.test.storage.names { plain[name] = fixture.test.storage[name] }
        let storage = FaultyStorage(plain)
        func save(usesCache: Bool) throws -> [String] {
            storage.forgetRequests()
            let repository = try Repository.open(storage, keys: fixture.test.repository.keys)
            let saver = try Saver(
                repository,
                cache: usesCache ? try fixture.openCache() : nil,
                options: fixture.options,
                foreignFolders: [:],
                progress: SaveProgress(),
                isInterrupted: { false },
                warn: { [watch = fixture.watch] in watch.add($0) }
            )
            _ = try saver.save([fixture.operand(fixture.tree)], channel: [1])
            return storage.requests.map { "\($0)" }
        }
        #expect(try save(usesCache: true).filter { $0.hasPrefix("list") } == ["list blobs/"])
        #expect(
            fixture.takeWarnings()
                == ["cannot keep blobs from being replaced: the storage knows no conditional writes"]
        )
        #expect(try save(usesCache: true).filter { $0.hasPrefix("list") } == [])
        let withoutCache = try save(usesCache: false)
        #expect(withoutCache.filter { $0.hasPrefix("list") } == ["list blobs/"])
        // Nothing but the snapshot, whose time differs.
        #expect(withoutCache.filter { $0.hasPrefix("create blobs/") }.count == 1)
    }

    @Test("whatever request fails, the save says so, makes no snapshot and loses nothing")
    func faults() throws {
        _ = try fixture.save()
        let count = fixture.storage.requests.count
        #expect(count > 10)
        let earlier = try fixture.test.repository.listTags().tags.count
        for number in 0..<count {
            let fixture = try SaveFixture()
            try fixture.write("a/file", "one")
            try fixture.write("b/file", "two")
            fixture.link("link", to: "a")
            fixture.storage.failOnce(at: number)
            let error = #expect(throws: RekkordError.self) { try fixture.save() }
            #expect(error?.message.contains("injected fault") == true)
            #expect(try fixture.test.repository.listTags().tags.isEmpty)
            fixture.storage.fail(nil)
            let result = try fixture.save()
            #expect(try fixture.entries(result).count == 6)
            #expect(try fixture.text(fixture.entries(result)["b/file"]) == "two")
        }
        #expect(try fixture.test.repository.listTags().tags.count == earlier)
    }
}
