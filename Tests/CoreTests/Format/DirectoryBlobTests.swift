import TestSupport
import Testing

@testable import Core

@Suite struct DirectoryBlobTests {
    @Test("the folder of the format description is encoded to its bytes and read back")
    func golden() throws {
        let encoded = DirectoryBlob.encode(size: 6, entries: 1, children: [EntrySamples.helloEntry])
        #expect(encoded == EntrySamples.directoryBytes)
        #expect(encoded.count == 115)
        let folder = try DirectoryBlob(EntrySamples.blob(.directory, encoded))
        #expect(folder.totalSize == 6 && folder.totalEntries == 1)
        #expect(folder.count == 1 && folder.hiddenNameCount == 0 && !folder.hasExtendedAttributes)
        #expect(folder.entry(at: 0) == EntrySamples.helloEntry)
        #expect(folder.entry(at: 0).objectID == ObjectID(.raw, EntrySamples.helloHash))
        #expect(folder.index(of: Array("hello.txt".utf8)) == 0)
        #expect(folder.index(of: Array("hello".utf8)) == nil)
        #expect(folder.index(of: [] as [UInt8]) == nil)
    }

    @Test("an empty folder is sixteen zero bytes")
    func empty() throws {
        let encoded = DirectoryBlob.encode(size: 0, entries: 0, children: [])
        #expect(encoded == [UInt8](repeating: 0, count: 16))
        let folder = try DirectoryBlob(EntrySamples.blob(.directory, encoded))
        #expect(folder.count == 0 && folder.index(of: Array("a".utf8)) == nil)
    }

    @Test("a folder that could not be listed says so", arguments: [BlobType.directory, .directory3])
    func unavailable(type: BlobType) {
        #expect(throws: FormatError("contents were not available when it was saved")) {
            try DirectoryBlob(EntrySamples.blob(type, []))
        }
    }

    @Test("type bits in a stored mode are masked")
    func mode() throws {
        var bytes = EntrySamples.directoryBytes
        bytes[16 + 79] = 0x81
        #expect(try DirectoryBlob(EntrySamples.blob(.directory, bytes)).entry(at: 0).mode == 0o644)
    }

    @Test("absurd numbers in the header and in sizes do no harm")
    func absurd() throws {
        let entry = EntrySamples.entry("a", size: .min)
        let bytes = DirectoryBlob.encode(size: .min, entries: .max, children: [entry])
        let folder = try DirectoryBlob(EntrySamples.blob(.directory, bytes))
        #expect(folder.totalSize == .min && folder.totalEntries == .max && folder.size(at: 0) == .min)
    }

    @Test("a truncated folder is refused unless it ends between entries")
    func truncation() throws {
        let first = EntrySamples.directoryBytes
        let bytes = first + first[16...]
        HostileBytes.truncations(of: bytes) { damaged in
            let folder = try? DirectoryBlob(EntrySamples.blob(.directory, damaged))
            #expect((folder != nil) == [16, 115].contains(damaged.count), "\(damaged.count) bytes")
        }
    }

    @Test("a folder with any byte changed is refused or read without harm")
    func flips() {
        let children = [EntrySamples.entry("b", extended: [1, 2, 3]), EntrySamples.entry("a")]
        let bytes = DirectoryBlob.encode(size: 0, entries: 2, children: children)
        HostileBytes.flips(of: bytes) { damaged in
            guard let folder = try? DirectoryBlob(EntrySamples.blob(.directory, damaged)) else { return }
            #expect(folder.count + folder.hiddenNameCount <= 2)
            for index in 0..<folder.count {
                let entry = folder.entry(at: index)
                #expect(EntryName.isValid(entry.name) && folder.index(of: entry.name) == index)
            }
        }
    }

    @Test("an unknown kind refuses the whole folder", arguments: [3, 0x7F, 0x80, 0xFE] as [UInt8])
    func unknownKind(kind: UInt8) {
        var bytes = EntrySamples.directoryBytes
        bytes[16 + 33] = kind
        #expect(throws: FormatError("malformed entry")) {
            try DirectoryBlob(EntrySamples.blob(.directory, bytes))
        }
    }

    @Test("bad, over-long and repeated names hide only their entries; the first of equal names stays")
    func hiddenNames() throws {
        let long = String(repeating: "x", count: 255)
        let names = ["b", "", ".", "..", "a/b", "a\0b", long + "x", long, "a", "b", "...", "b"]
        var children = names.map { EntrySamples.entry($0) }
        for index in children.indices { children[index].uid = UInt32(index) }
        children[9].extended = [1]
        let folder = try EntrySamples.directory(children)
        #expect(folder.hiddenNameCount == 8)
        #expect((0..<folder.count).map { folder.entry(at: $0).uid } == [0, 7, 8, 10])
        #expect(folder.index(of: Array("b".utf8)) == 0)
        #expect(folder.index(of: Array(long.utf8)) == 1)
        #expect(folder.index(of: Array((long + "x").utf8)) == nil)
        #expect(folder.index(of: Array("..".utf8)) == nil)
        #expect(!folder.hasExtendedAttributes)
    }

    @Test(
        "random folders are read as written, sorted or not",
        arguments: 0..<40 as Range<UInt64>,
        [true, false]
    )
    func roundTrip(seed: UInt64, isSorted: Bool) throws {
        var random = SeededRandom(seed)
        var names = Set(
            (0..<Int.random(in: 0...300, using: &random)).map { _ in
                EntrySamples.randomName(&random, maxByteCount: 3)
            }
        ).sorted { $0.lexicographicallyPrecedes($1) }
        if !isSorted { names.shuffle(using: &random) }
        let children = names.map { EntrySamples.randomEntry(&random, name: $0) }
        let folder = try EntrySamples.directory(children)
        #expect((0..<folder.count).map { folder.entry(at: $0) } == children, "seed \(seed)")
        for (index, child) in children.enumerated() {
            #expect(folder.index(of: child.name) == index)
            #expect(folder.attributes(at: index) == child.attributes)
            #expect(folder.kind(at: index) == child.kind && folder.flags(at: index) == child.flags)
            #expect(folder.hash(at: index) == child.hash && folder.size(at: index) == child.size)
            #expect(folder.name(at: index) == child.name && folder.extended(at: index) == child.extended)
            #expect(folder.hasExtended(at: index) == !child.extended.isEmpty)
        }
        for _ in 0..<50 {
            let name = EntrySamples.randomName(&random, maxByteCount: 3)
            #expect(folder.index(of: name) == names.firstIndex(of: name))
        }
    }

    @Test("a folder of 100,000 unsorted names, a tenth of them repeated, finds each")
    func large() throws {
        var random = SeededRandom(1)
        let names = (0..<90_000).map { "file-\($0)" }.shuffled(using: &random)
        let children = (names + names[..<10_000]).map { EntrySamples.entry($0) }
        let folder = try EntrySamples.directory(children)
        #expect(folder.count == 90_000 && folder.hiddenNameCount == 10_000)
        for (index, name) in names.enumerated() where folder.index(of: Array(name.utf8)) != index {
            Issue.record("\(name) is not at \(index)")
        }
        #expect(folder.memoryByteCount < 100_000 * (90 + 10 + 20))
    }

    @Test("other blobs are refused by name")
    func otherTypes() {
        func reason(_ type: BlobType) -> String? {
            do {
                _ = try DirectoryBlob(EntrySamples.blob(type, EntrySamples.directoryBytes))
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(reason(.directory1) == "directory version 1 is not supported")
        #expect(reason(.directory2) == "directory version 2 is not supported")
        #expect(reason(.file) == "not a folder but a file")
        #expect(reason(.link) == "not a folder but a link")
        #expect(reason(.snapshot) == "not a folder but a snapshot")
    }
}
