import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct SaveCacheTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
    }

    private func blobNames() -> Set<String> {
        Set(fixture.test.storage.names.filter { $0.hasPrefix("blobs/") })
    }

    @Test("an unchanged tree is not read again, and only its snapshot is new")
    func unchanged() throws {
        try fixture.write("a/file", "one")
        try fixture.write("b/file", "two")
        fixture.link("link", to: "a")
        #expect(try fixture.bytesRead() == 6)
        let before = blobNames()
        #expect(try fixture.bytesRead() == 0)
        #expect(blobNames().subtracting(before).count == 1)
    }

    @Test("a folder with more entries than one part of a record holds is not read again either")
    func largeFolder() throws {
        for number in 0..<4000 { try fixture.write("\(number)", "x") }
        #expect(try fixture.bytesRead() == 4000)
        let before = blobNames()
        #expect(try fixture.bytesRead() == 0)
        #expect(blobNames().subtracting(before).count == 1)
        try fixture.write("3999", "yy")
        #expect(try fixture.bytesRead() == 2)
        let parts = try #require(fixture.openCache().record(of: fixture.operand(fixture.tree).key))
        #expect(parts.count == 4000)
        #expect(parts.firstPart.count < FolderRecord.partByteCount + 1024)
    }

    @Test("only what changed is read again")
    func changed() throws {
        try fixture.write("a/file", "one")
        try fixture.write("a/other", "three")
        try fixture.write("b/file", "two")
        _ = try fixture.save()
        try fixture.write("a/file", "seven!!")
        #expect(try fixture.bytesRead() == 7)
        #expect(try fixture.bytesRead() == 0)
        #expect(try fixture.text(fixture.entries(fixture.save())["a/file"]) == "seven!!")
    }

    @Test("added, removed and renamed entries show")
    func namesChange() throws {
        try fixture.write("a/file", "one")
        try fixture.write("a/gone", "two")
        _ = try fixture.save()
        unlink(fixture.folder["tree/a/gone"].string)
        #expect(try fixture.entries(fixture.save()).keys.sorted() == ["", "a", "a/file"])
        try fixture.write("a/new", "three")
        #expect(try fixture.entries(fixture.save()).keys.sorted() == ["", "a", "a/file", "a/new"])
        rename(fixture.folder["tree/a"].string, fixture.folder["tree/b"].string)
        #expect(try fixture.entries(fixture.save()).keys.sorted() == ["", "b", "b/file", "b/new"])
    }

    @Test("a change of mode alone is stored")
    func modeChange() throws {
        try fixture.write("file", "one")
        _ = try fixture.save()
        chmod(fixture.folder["tree/file"].string, 0o640)
        #expect(try fixture.entries(fixture.save())["file"]?.attributes.mode == 0o640)
    }

    @Test("a file that changed less than two seconds ago is not remembered")
    func youngFile() throws {
        fixture.options.clock = { .now() }
        try fixture.write("file", "one")
        #expect(try fixture.bytesRead() == 3)
        #expect(try fixture.bytesRead() == 3)
    }

    @Test("other metadata is stored without reading content again")
    func otherMetadata() throws {
        try fixture.write("file", "one")
        _ = try fixture.save()
        fixture.options.storesAccessTimes = true
        #expect(try fixture.bytesRead() == 0)
        #expect(try fixture.entries(fixture.save())["file"]?.attributes.flags.contains(.accessTime) == true)
        fixture.options.storesAccessTimes = false
        #expect(try fixture.entries(fixture.save())["file"]?.attributes.flags.contains(.accessTime) == false)
    }

    @Test("another splitter reads everything again")
    func otherSplitter() throws {
        try fixture.write("file", "one")
        _ = try fixture.save()
        fixture.options.chunking = .rekkord
        #expect(try fixture.bytesRead() == 3)
    }

    @Test("force reads every file")
    func force() throws {
        try fixture.write("file", "one")
        let hash = try fixture.rootHash(fixture.save())
        fixture.options.readsEveryFile = true
        #expect(try fixture.bytesRead() == 3)
        #expect(try fixture.rootHash(fixture.save()) == hash)
    }

    /// Makes the cache believe that `tree/file` had another content when it was saved, as or below an operand.
    private func falsifyCache(asOperand: Bool = false) throws {
        let cache = try fixture.openCache()
        let path = asOperand ? fixture.folder["tree/file"] : fixture.tree
        let operand = try fixture.operand(path)
        let record = try #require(cache.record(of: operand.key))
        var builder = FolderRecord.Builder(
            record.circumstances,
            isComplete: true,
            hash: record.hash,
            stored: record.stored
        )
        let status = try System.status(of: fixture.folder["tree/file"].bytes)
        var cursor = record.cursor()
        let name = asOperand ? Array(path.bytes.dropFirst()) : Array("file".utf8)
        let found = cursor.find(name)
        var entry = try #require(found)
        #expect(entry.isSame(as: status))
        entry.hash = .zero
        builder.append(name, entry)
        #expect(cache.remember(blobs: [], records: [.init(folder: operand.key, parts: builder.finish())]))
    }

    @Test("rehash names content that changed under equal times and size, and makes no snapshot")
    func rehash() throws {
        let path = try fixture.write("file", "one").string
        _ = try fixture.save()
        try falsifyCache()
        fixture.options.comparesContent = true
        for _ in 0..<2 {
            let error = #expect(throws: RekkordError.self) { try fixture.save() }
            #expect(error?.message == "cannot save: files changed under equal times and size")
            #expect(fixture.takeWarnings() == ["content of '\(path)' changed: its times and size did not"])
        }
        #expect(try fixture.test.repository.listTags().tags.count == 1)
        fixture.options.readsEveryFile = true
        #expect(try fixture.text(fixture.entries(fixture.save())["file"]) == "one")
        fixture.options.readsEveryFile = false
        _ = try fixture.save()
        #expect(fixture.takeWarnings() == [])
    }

    @Test("rehash of a file that is an operand fails each time, and names it once by its path")
    func rehashOfOperand() throws {
        let path = try fixture.write("file", "one")
        _ = try fixture.save(path)
        try falsifyCache(asOperand: true)
        fixture.options.comparesContent = true
        for _ in 0..<3 {
            let error = #expect(throws: RekkordError.self) { try fixture.save(path) }
            #expect(error?.message == "cannot save: files changed under equal times and size")
            let warnings = fixture.takeWarnings()
            #expect(warnings == ["content of '\(path.string)' changed: its times and size did not"])
        }
        #expect(try fixture.test.repository.listTags().tags.count == 1)
        fixture.options.readsEveryFile = true
        _ = try fixture.save(path)
        fixture.options.readsEveryFile = false
        _ = try fixture.save(path)
        #expect(fixture.takeWarnings() == [])
    }

    @Test("rehash of a tree that did not change reads it and saves it")
    func honestRehash() throws {
        try fixture.write("file", "one")
        let hash = try fixture.rootHash(fixture.save())
        fixture.options.comparesContent = true
        #expect(try fixture.bytesRead() == 3)
        #expect(try fixture.rootHash(fixture.save()) == hash)
    }

    @Test("blobs that the cache knows are not written again")
    func knownBlobs() throws {
        try fixture.write("file", "one")
        _ = try fixture.save()
        try fixture.write("copy", "one")
        fixture.storage.forgetRequests()
        _ = try fixture.save()
        // The root folder and the snapshot.
        #expect(fixture.storage.requests.filter { $0.name.hasPrefix("blobs/") }.count == 2)
    }

    @Test("another cache ID makes everything be stored again")
    func otherCacheID() throws {
        try fixture.write("file", "one")
        _ = try fixture.save()
        _ = try fixture.test.repository.changeCacheID()
        let repository = try Repository.open(fixture.storage, keys: fixture.test.repository.keys)
        let cache = try LocalCache(folder: fixture.cacheFolder, cacheID: repository.cacheID) { _ in }
        #expect(cache.record(of: try fixture.operand(fixture.tree).key) == nil)
    }

    @Test("an interrupted save makes no snapshot, and what it stored helps the next", arguments: 0..<12)
    func interruption(step: Int) throws {
        for number in 0..<30 { try fixture.write("folder \(number % 5)/\(number)", "content \(number)") }
        fixture.watch.interrupt(after: step * 12)
        let error = #expect(throws: RekkordError.self) { try fixture.save() }
        #expect(error?.kind == .interrupted)
        #expect(!fixture.test.storage.names.contains { $0.hasPrefix("tags/") })
        fixture.watch.interrupt(after: nil)
        let stored = blobNames()
        fixture.storage.forgetRequests()
        let entries = try fixture.entries(fixture.save())
        #expect(entries.values.filter { $0.attributes.kind == .file }.count == 30)
        let written = Set(fixture.storage.requests.map(\.name)).intersection(stored)
        #expect(written == [])
    }
}
