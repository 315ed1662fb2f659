@testable import Core
import TestSupport
import Testing

@Suite struct ScanDamageTests {
    @Test("nothing is wrong with what nobody touched")
    func allClear() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        try fixture.sample("web", ageSeconds: 60)
        try fixture.sample("db", author: fixture.writer())
        let report = try fixture.scan()
        report.expectAllClear()
        #expect(report.snapshots == 3)
        // Three snapshots, two folders, a list of three chunks, a file, a link.
        #expect(report.blobs == ScanReport.Blobs(verified: 11, remembered: 0, damaged: 0, notVerified: 0))
        #expect(report.orphans == ScanReport.Orphans(count: 0, byteCount: 0))
        #expect(report.locks == nil)
        #expect(fixture.warnings.lines == [])
    }

    @Test("a ReadWrite key may scan, and keys that cannot read may not")
    func keys() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        try fixture.scan(keys: GoldenKeys.derived(.readWrite).keys).expectAllClear()
        for type in [KeyType.writeOnly, .logOnly] {
            let error = #expect(throws: RekkordError.self) {
                try fixture.scan(keys: GoldenKeys.derived(type).keys)
            }
            #expect(error?.kind == .key)
        }
    }

    /// A kind of blob, and where a problem with it shows.
    enum Kind: String, CaseIterable {
        case snapshot, folder, table, chunk, whole, link

        func id(_ sample: ScanFixture.Sample) -> ObjectID {
            switch self {
            case .snapshot: sample.snapshot
            case .folder: sample.folder.id
            case .table: sample.table.id
            case .chunk: sample.chunk
            case .whole: sample.whole.id
            case .link: sample.link.id
            }
        }

        var place: String {
            switch self {
            case .snapshot: " web@0"
            case .folder: " web@0 home/docs"
            case .table: " web@0 home/docs/table 0+16"
            case .chunk: " web@0 home/docs/table 5+6"
            case .whole: " web@0 home/docs/whole 0+5"
            case .link: " web@0 home/docs/link"
            }
        }
    }

    enum Harm: String, CaseIterable {
        case flipped, cut, emptied, swapped, retyped, missing

        var word: String {
            switch self {
            case .flipped, .cut, .emptied: "decrypt"
            case .swapped, .retyped: "hash"
            case .missing: "missing"
            }
        }
    }

    @Test(
        "each kind of damage to each kind of blob is found and named, and nothing else",
        arguments: Kind.allCases,
        Harm.allCases
    )
    func damage(_ kind: Kind, _ harm: Harm) throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        let id = kind.id(sample)
        // Of the same type as what it replaces, where there is one.
        let other =
            kind == .link || kind == .whole ? sample.chunk : kind == .chunk ? sample.whole.id : sample.link.id
        let replacement = try #require(fixture.storage[other.objectName])
        switch harm {
        case .flipped: fixture.storage.rot(id.objectName) { $0[$0.count / 2] ^= 1 }
        case .cut: fixture.storage.rot(id.objectName) { $0.removeLast() }
        case .emptied: fixture.storage.rot(id.objectName) { $0 = [] }
        case .swapped: fixture.storage.rot(id.objectName) { $0 = replacement }
        case .retyped: fixture.storage.rot(id.objectName) { $0[1] = $0[1] == 0 ? 1 : 0 }
        case .missing: fixture.storage[id.objectName] = nil
        }
        let report = try fixture.scan()
        #expect(report.summaries == [harm.word + kind.place])
        #expect(report.problems.first?.object == id)
        #expect(report.hasDamage)
        #expect(report.damagedSnapshots == 1)
        #expect(report.blobs.damaged == 1)
        #expect(try fixture.scan().summaries == report.summaries)
    }

    @Test("good blobs that are referred to as something else are named where they are")
    func references() throws {
        let fixture = try ScanFixture()
        let test = fixture.test
        let chunk = try test.file("file", "content")
        let link = try test.link("link", "target")
        let folder = try test.folder("folder", [])
        let inner = try test.snapshot("other", milliseconds: 5, [TestRepository.rooted(folder, "x")])
        func entry(_ name: String, _ kind: EntryKind, _ id: ObjectID) -> Entry {
            TestRepository.entry(name, kind, hash: id.hash)
        }
        func table(_ name: String, _ id: ObjectID, _ byteCount: Int32) throws -> Entry {
            let rows = [FileTable.Chunk(offset: 0, byteCount: byteCount, hash: id.hash)]
            let hash = try test.store(.file, FileTable.encode(rows, size: Int64(byteCount))).hash
            return TestRepository.entry(name, .file, hash: hash, size: Int64(byteCount))
        }
        let root = try test.folder(
            "root",
            [
                entry("a", .link, chunk.id), entry("b", .file, link.id), entry("c", .directory, inner),
                try table("d", link.id, 6), try table("e", chunk.id, 8), try table("f", chunk.id, 7), chunk,
            ]
        )
        try test.snapshot("web", milliseconds: ScanFixture.now, [TestRepository.rooted(root, "root")])
        // A tag may name a folder as its snapshot.
        let payload = TagPayload(
            time: Timestamp(milliseconds: 7),
            size: 0,
            stored: 0,
            added: 0,
            channel: [0x78]
        )
        try test.repository.writeTag(ObjectID(.metadata, folder.hash), payload)
        let report = try fixture.scan()
        #expect(
            report.summaries == [
                "type web@0 root/a", "type web@0 root/b", "type web@0 root/c", "type web@0 root/d 0+6",
                "size web@0 root/e 0+8", "type x@\((ScanFixture.now - 7) / 1000)",
            ]
        )
        #expect(report.damagedSnapshots == 2)
        #expect(report.blobs.damaged == 0)
        #expect(report.problems[4].message == "7 bytes instead of 8")
    }

    @Test("bad names, malformed folders and malformed attributes are damage")
    func structure() throws {
        let fixture = try ScanFixture()
        let test = fixture.test
        let file = try test.file("f", "1")
        var attributed = try test.file("attributed", "2")
        attributed.extended = [9, 0, 1]
        var dots = file
        dots.name = Array("..".utf8)
        let names = try test.folder("names", [dots, file, file])
        let malformed = TestRepository.entry(
            "malformed",
            .directory,
            hash: try test.store(.directory, [UInt8](repeating: 7, count: 30)).hash
        )
        let chunks = TestRepository.entry("chunks", .file, hash: try test.store(.file, [1, 2, 3]).hash)
        let link = TestRepository.entry("link", .link, hash: try test.store(.link, [0x61, 0]).hash)
        let root = try test.folder("root", [attributed, names, malformed, chunks, link])
        try test.snapshot("web", milliseconds: ScanFixture.now, [TestRepository.rooted(root, "root")])
        let report = try fixture.scan()
        #expect(
            report.summaries == [
                "structure web@0 root/attributed", "structure web@0 root/chunks", "structure web@0 root/link",
                "structure web@0 root/malformed", "name web@0 root/names",
            ]
        )
        #expect(report.problems.last?.message == "2 entries have bad or repeated names")
        #expect(report.orphans == nil)
    }

    @Test("folders that could not be listed when they were saved are no damage, nor are unreadable entries")
    func unreadableEntries() throws {
        let fixture = try ScanFixture()
        let empty = try fixture.test.store(.directory, [])
        let listed = TestRepository.entry("listed", .directory, hash: empty.hash)
        var unlisted = listed
        unlisted.flags = .stated
        unlisted.name = Array("unlisted".utf8)
        let file = TestRepository.entry("file", .file)
        let root = try fixture.test.folder("root", [listed, file, TestRepository.neverStated("never")])
        let time = ScanFixture.now
        try fixture.test.snapshot("web", milliseconds: time, [TestRepository.rooted(root, "root")])
        try fixture.scan().expectAllClear()
        let other = try fixture.test.folder("root", [unlisted])
        fixture.storage[try #require(fixture.storage.names.first { $0.hasPrefix("tags/M/") })] = nil
        try fixture.test.snapshot("web", milliseconds: time, [TestRepository.rooted(other, "root")])
        // The old snapshot and its folder are left over, the placeholder is not.
        #expect(try fixture.scan().orphans?.count == 2)
    }

    @Test("one damaged blob is told once per channel and path, with the newest of the snapshots that have it")
    func merging() throws {
        let fixture = try ScanFixture()
        let test = fixture.test
        let shared = try test.table("iso", ["one", "two"])
        for age in 0..<5 {
            // Everything around the file differs from day to day.
            let day = try test.file("day", "\(age)")
            let folder = try test.folder("docs", [day, shared])
            let roots = [TestRepository.rooted(folder, "home/docs")]
            try test.snapshot("web", milliseconds: ScanFixture.now - Int64(age) * 1000, roots)
        }
        let moved = try test.folder("old", [shared])
        try test.snapshot("web", milliseconds: ScanFixture.now - 9000, [TestRepository.rooted(moved, "old")])
        try test.snapshot("db", milliseconds: ScanFixture.now - 3000, [TestRepository.rooted(shared, "iso")])
        try test.snapshot("ok", milliseconds: ScanFixture.now, [try test.file("fine", "fine")])
        let id = test.repository.identify(.chunk, "two")
        fixture.storage[id.objectName] = nil
        let report = try fixture.scan()
        #expect(
            report.summaries == [
                "missing db@3 iso 3+3", "missing web@0 home/docs/iso 3+3 ×5", "missing web@9 old/iso 3+3",
            ]
        )
        #expect(report.damagedSnapshots == 7)
        #expect(report.snapshots == 8)
    }

    @Test("neighbouring pieces with one content are told as one")
    func runs() throws {
        let fixture = try ScanFixture()
        let zeros = try fixture.test.table("sparse", ["head", "0000", "0000", "0000", "tail", "0000"])
        try fixture.test.snapshot("web", milliseconds: ScanFixture.now, [zeros])
        fixture.storage[fixture.test.repository.identify(.chunk, "0000").objectName] = nil
        #expect(try fixture.scan().summaries == ["missing web@0 sparse 4+12", "missing web@0 sparse 20+4"])
    }

    @Test("a tree with 2^60 paths is scanned at once, and damage in it is named on a few of them")
    func manyPaths() throws {
        let fixture = try ScanFixture()
        let test = fixture.test
        var entry = try test.file("a", "deep")
        let deep = entry.id
        for _ in 0..<60 {
            var twin = entry
            (entry.name, twin.name) = ([0x61], [0x62])
            entry = try test.folder("a", [entry, twin])
        }
        try test.snapshot("web", milliseconds: ScanFixture.now, [entry])
        let clear = try fixture.scan()
        clear.expectAllClear()
        #expect(clear.blobs.verified == 62)
        #expect(fixture.readBlobs.count == 62)
        fixture.storage[deep.objectName] = nil
        let report = try fixture.scan()
        #expect(report.problems.count == 64)
        #expect(Set(report.problems.compactMap(\.path)).count == 64)
        #expect(report.problems.allSatisfy { $0.object == deep && $0.what == .damage(.missing) })
        #expect(report.unnamedPaths == 1 << 60 - 64)
    }

    @Test("very deep trees need no recursion")
    func depth() throws {
        let fixture = try ScanFixture()
        var entry = try fixture.test.file("a", "deep")
        let deep = entry.id
        for _ in 0..<5_000 { entry = try fixture.test.folder("a", [entry]) }
        try fixture.test.snapshot("web", milliseconds: ScanFixture.now, [entry])
        fixture.storage[deep.objectName] = nil
        let report = try fixture.scan()
        #expect(report.blobs == ScanReport.Blobs(verified: 5_001, remembered: 0, damaged: 1, notVerified: 0))
        #expect(report.problems.map(\.path?.count) == [10_001])
    }

    @Test("what a missing repository lacks is not called damage")
    func repositoryGoesAway() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        let error = #expect(throws: RekkordError.self) { try fixture.scanUnopened() }
        #expect(error?.kind == .storage)
        #expect(error?.message == "cannot scan: the repository went away")
    }

    @Test("what the storage refuses or fails to give is not damage")
    func notVerified() throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        let (whole, folder) = (sample.whole.id.objectName, sample.folder.id.objectName)
        fixture.faulty.fail { _, request in
            switch request.name {
            case whole: RekkordError(.storage, "cannot read '\(whole)': timed out")
            default: nil
            }
        }
        let report = try fixture.scan()
        #expect(report.summaries == ["transport web@0 home/docs/whole 0+5"])
        #expect(!report.hasDamage && !report.isComplete)
        #expect(report.damagedSnapshots == 0)
        #expect(report.blobs.notVerified == 1)
        #expect(report.orphans == nil)
        fixture.faulty.fail { _, request in
            request.name == folder ? RekkordError(.denied, "cannot read '\(folder)': access denied") : nil
        }
        #expect(try fixture.scan().summaries == ["permission web@0 home/docs"])
        // Some services refuse to tell that an object is not there; the listing tells.
        fixture.storage[folder] = nil
        #expect(try fixture.scan().summaries == ["missing web@0 home/docs"])
        fixture.faulty.fail(nil)
        #expect(try fixture.scan().summaries == ["missing web@0 home/docs"])
    }

    @Test("a storage that fails again and again is left alone")
    func givingUp() throws {
        let fixture = try ScanFixture()
        let files = try (0..<400).map { try fixture.test.file("f\($0)", "content \($0)") }
        try fixture.test.snapshot("web", milliseconds: ScanFixture.now, files)
        fixture.faulty.fail { _, request in
            request.name.hasPrefix("blobs/R/") ? RekkordError(.storage, "cannot read: no route") : nil
        }
        let report = try fixture.scan()
        #expect(report.blobs.notVerified == 400)
        #expect(!report.hasDamage && !report.isComplete)
        #expect(fixture.readBlobs.count < 100)
        #expect(report.problems.first?.message.hasPrefix("gave up after ") == true)
    }

    @Test("without a listing of the tags there is no scan, without one of the blobs no orphans")
    func failedListings() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        try fixture.scan().expectAllClear()
        fixture.faulty.fail { _, request in
            request.verb == .list
                ? RekkordError(.denied, "cannot list '\(request.name)': access denied") : nil
        }
        #expect(throws: RekkordError.self) { try fixture.scan() }
        fixture.faulty.fail { _, request in
            request.name == "blobs/" ? RekkordError(.denied, "cannot list 'blobs/': access denied") : nil
        }
        let report = try fixture.scan()
        #expect(report.summaries == ["permission"])
        #expect(report.orphans == nil)
        #expect(report.blobs.remembered == 5)
        #expect(!report.hasDamage && !report.isComplete)
    }

    @Test("orphans are counted, unless something that may need them cannot be read")
    func orphans() throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        try fixture.test.store(.chunk, Array("nobody's".utf8))
        let lost = try fixture.test.folder("lost", [try fixture.test.file("x", "lost")])
        let names = ["lost", "nobody's"].map { fixture.test.repository.identify(.chunk, $0) } + [lost.id]
        let byteCount = names.reduce(0) { $0 + (fixture.storage[$1.objectName]?.count ?? 0) }
        let orphans = ScanReport.Orphans(count: 3, byteCount: Int64(byteCount))
        #expect(try fixture.scan().orphans == orphans)
        // Nothing is below a chunk or a link.
        fixture.storage[sample.chunk.objectName] = nil
        fixture.storage[sample.link.id.objectName] = nil
        #expect(try fixture.scan().orphans == orphans)
        // A file may have been a list of chunks.
        fixture.storage[sample.whole.id.objectName] = nil
        #expect(try fixture.scan().orphans == nil)
    }
}

extension ScanFixture {
    /// Runs a scan of a repository that was opened before the storage began to fail.
    fileprivate func scanUnopened() throws -> ScanReport {
        let keys = try GoldenKeys.master()
        let failing = FaultyStorage(storage)
        let repository = try Repository.open(failing, keys: keys)
        failing.fail { _, request in
            request.verb == .get ? RekkordError(.missing, "cannot read '\(request.name)': no such file") : nil
        }
        return try Scanner(
            repository,
            memory: memory,
            options: options,
            isInterrupted: { false },
            warn: { _ in }
        ).run()
    }
}
