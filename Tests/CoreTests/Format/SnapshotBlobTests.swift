import TestSupport
import Testing

@testable import Core

@Suite struct SnapshotBlobTests {
    @Test("the snapshot of the format description has 660 bytes in the documented places")
    func golden() throws {
        let bytes = EntrySamples.snapshot.encode()
        #expect(bytes.count == 660)
        #expect(Array(bytes[..<16]) == EntrySamples.bytes("d83d463199010000 0600000000000000"))
        #expect(Array(bytes[16..<32]) == EntrySamples.bytes("9001000000000000 9001000000000000"))
        #expect(Array(bytes[32..<42]) == Array("webserver\0".utf8))
        #expect(bytes[42..<544].allSatisfy { $0 == 0 })
        #expect(Array(bytes[544..<560]) == EntrySamples.bytes("0600000000000000 0200000000000000"))
        #expect(Array(bytes[560..<592]) == EntrySamples.directoryHash.bytes)
        #expect(Array(bytes[592..<598]) == EntrySamples.bytes("03 00 0a00 0000"))
        #expect(Array(bytes[650...]) == Array("home/alice".utf8))
    }

    @Test("a snapshot is read as written")
    func roundTrip() throws {
        let decoded = try SnapshotBlob(EntrySamples.blob(.snapshot, EntrySamples.snapshot.encode()))
        #expect(decoded.time == EntrySamples.snapshot.time && decoded.channel == Array("webserver".utf8))
        #expect(decoded.size == 6 && decoded.stored == 400 && decoded.added == 400)
        #expect(decoded.totalSize == 6 && decoded.totalEntries == 2)
        #expect(decoded.roots == EntrySamples.snapshot.roots && decoded.hiddenNameCount == 0)
        #expect(decoded.roots[0].objectID == ObjectID(.metadata, EntrySamples.directoryHash))
    }

    @Test("roots keep inner slashes; bad and repeated ones are left out")
    func names() throws {
        var snapshot = EntrySamples.snapshot
        let names = ["srv", "home/alice", "/etc", "a//b", "a/../b", "a/.", "", "a/", "home/alice", "etc"]
        snapshot.roots = names.map { EntrySamples.entry($0) }
        let decoded = try SnapshotBlob(EntrySamples.blob(.snapshot, snapshot.encode()))
        #expect(decoded.roots.map(\.name) == ["srv", "home/alice", "etc"].map { Array($0.utf8) })
        #expect(decoded.hiddenNameCount == 7)
    }

    @Test("so many saved paths, or names in them, are refused before they take memory")
    func tooMany() throws {
        var snapshot = EntrySamples.snapshot
        let long = String(repeating: "/a", count: 32_000)
        snapshot.roots = (0..<16).map { EntrySamples.entry("\($0)\(long)") }
        #expect(try SnapshotBlob(EntrySamples.blob(.snapshot, snapshot.encode())).roots.count == 16)
        snapshot.roots.append(EntrySamples.entry("16\(long)"))
        let error = #expect(throws: FormatError.self) {
            try SnapshotBlob(EntrySamples.blob(.snapshot, snapshot.encode()))
        }
        #expect(error?.reason == "too many saved paths")
    }

    @Test("a channel without NUL ends with its field")
    func longChannel() throws {
        var bytes = EntrySamples.snapshot.encode()
        for index in 32..<544 { bytes[index] = UInt8(ascii: "c") }
        let decoded = try SnapshotBlob(EntrySamples.blob(.snapshot, bytes))
        #expect(decoded.channel == [UInt8](repeating: UInt8(ascii: "c"), count: 512))
    }

    @Test("every truncation is refused")
    func truncation() {
        HostileBytes.truncations(of: EntrySamples.snapshot.encode()) { damaged in
            #expect(throws: FormatError.self) { try SnapshotBlob(EntrySamples.blob(.snapshot, damaged)) }
        }
    }

    @Test("a snapshot with any byte changed is refused or read without harm")
    func flips() {
        HostileBytes.flips(of: EntrySamples.snapshot.encode()) { damaged in
            guard let decoded = try? SnapshotBlob(EntrySamples.blob(.snapshot, damaged)) else { return }
            #expect(decoded.roots.count + decoded.hiddenNameCount == 1)
            #expect(decoded.roots.allSatisfy { RootPath.isValid($0.name) })
        }
    }
}
