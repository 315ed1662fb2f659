import TestSupport
import Testing

@testable import Core

@Suite struct LegacyBlobTests {
    /// The entry of 14.6 with two bytes each for flags and kind; the high bytes are arbitrary.
    private static func oldEntries(high: UInt8) -> [UInt8] {
        let entry = EntrySamples.directoryBytes[16...]
        return Array(entry[..<(16 + 33)]) + [high, entry[16 + 33], high] + Array(entry[(16 + 34)...])
    }

    /// Snapshot4 and Snapshot5 lack the added bytes at 24.
    private static func oldHeader() -> [UInt8] {
        let bytes = EntrySamples.snapshot.encode()
        return Array(bytes[..<24] + bytes[32..<544])
    }

    @Test("a folder of revision 3 is read like a current one", arguments: [0, 0xFF] as [UInt8])
    func directory3(high: UInt8) throws {
        let old = EntrySamples.directoryBytes[..<16] + Self.oldEntries(high: high)
        #expect(old.count == 16 + 92 + 9)
        let folder = try DirectoryBlob(EntrySamples.blob(.directory3, Array(old)))
        #expect(folder.totalSize == 6 && folder.count == 1)
        #expect(folder.entry(at: 0) == EntrySamples.helloEntry)
    }

    @Test("snapshots of revisions 4 and 5 are read with nothing added")
    func snapshots() throws {
        let current = EntrySamples.snapshot.encode()
        let level = EntrySamples.directoryBytes[..<16]
        let five = try SnapshotBlob(EntrySamples.blob(.snapshot5, Self.oldHeader() + current[544...]))
        #expect(five.time == EntrySamples.snapshot.time && five.stored == 400 && five.added == 0)
        #expect(five.channel == Array("webserver".utf8) && five.roots == EntrySamples.snapshot.roots)
        let old = Self.oldHeader() + level + Self.oldEntries(high: 0)
        let four = try SnapshotBlob(EntrySamples.blob(.snapshot4, old))
        #expect(four.size == 6 && four.added == 0 && four.roots == [EntrySamples.helloEntry])
    }

    @Test("damaged old blobs are refused or read without harm")
    func hostile() {
        let folder = EntrySamples.directoryBytes[..<16] + Self.oldEntries(high: 0)
        let snapshot = Self.oldHeader() + EntrySamples.directoryBytes[..<16] + Self.oldEntries(high: 0)
        HostileBytes.truncations(of: Array(folder)) { damaged in
            let decoded = try? DirectoryBlob(EntrySamples.blob(.directory3, damaged))
            #expect((decoded != nil) == (damaged.count == 16))
        }
        HostileBytes.flips(of: Array(folder)) { damaged in
            _ = try? DirectoryBlob(EntrySamples.blob(.directory3, damaged))
        }
        HostileBytes.truncations(of: snapshot) { damaged in
            #expect(throws: FormatError.self) { try SnapshotBlob(EntrySamples.blob(.snapshot4, damaged)) }
        }
        HostileBytes.flips(of: snapshot) { damaged in
            _ = try? SnapshotBlob(EntrySamples.blob(.snapshot4, damaged))
            _ = try? SnapshotBlob(EntrySamples.blob(.snapshot5, damaged))
        }
    }

    @Test(
        "older snapshots are refused by version",
        arguments: [(BlobType.snapshot1, 1), (.snapshot2, 2), (.snapshot3, 3)]
    )
    func refused(type: BlobType, version: Int) {
        #expect(throws: FormatError("snapshot version \(version) is not supported")) {
            try SnapshotBlob(EntrySamples.blob(type, EntrySamples.snapshot.encode()))
        }
    }

    @Test("other blobs are refused by name")
    func otherTypes() {
        #expect(throws: FormatError("not a snapshot but a folder")) {
            try SnapshotBlob(EntrySamples.blob(.directory, EntrySamples.directoryBytes))
        }
    }
}
