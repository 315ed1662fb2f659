import TestSupport
import Testing

@testable import Core

@Suite struct FolderRecordTests {
    private static let circumstances = FolderRecord.Circumstances(splitter: 0, metadata: 3)

    private static func entry(_ random: inout SeededRandom) -> FolderRecord.Entry {
        FolderRecord.Entry(
            kind: EntryKind.allCases[Int(random.next() % 4)],
            flags: EntryFlags(rawValue: UInt8(random.next() % 8)),
            modification: .init(seconds: -1, nanoseconds: UInt32(random.next() % 1_000_000_000)),
            change: .init(seconds: Int64.max, nanoseconds: 999_999_999),
            inode: random.next(),
            mode: UInt32(truncatingIfNeeded: random.next()),
            size: random.next(),
            access: Timestamp(milliseconds: -5),
            hash: random.bytes(32).withRawBytes { Hash32($0) },
            stored: Int64(random.next() >> 1),
            extended: random.bytes(Int(random.next() % 40))
        )
    }

    private static func record(_ names: [[UInt8]], seed: UInt64) -> ([UInt8], [FolderRecord.Entry]) {
        var random = SeededRandom(seed)
        var entries: [FolderRecord.Entry] = []
        var builder = FolderRecord.Builder(circumstances, isComplete: true, hash: .zero, stored: 77)
        for name in names {
            let entry = entry(&random)
            builder.append(name, entry)
            entries.append(entry)
        }
        return (builder.finish(), entries)
    }

    @Test("what was put in comes out, in step with sorted names", arguments: 0..<20)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let names = Set((0..<30).map { _ in random.bytes(1 + Int(random.next() % 5)) })
            .sorted { $0.lexicographicallyPrecedes($1) }
        let (bytes, entries) = Self.record(names, seed: seed)
        let record = try FolderRecord(bytes)
        #expect(record.circumstances == Self.circumstances)
        #expect(record.isComplete)
        #expect(record.stored == 77)
        #expect(record.count == names.count)
        var cursor = record.cursor()
        for (index, name) in names.enumerated() where index % 3 != 1 {
            #expect(cursor.find(name + [0]) == nil || names.contains(name + [0]))
            var fresh = record.cursor()
            #expect(fresh.find(name) == entries[index])
        }
    }

    @Test("a record that is cut off or changed is less help, never a crash")
    func hostile() {
        let names = ["a", "bb", "ccc"].map { Array($0.utf8) }
        let (bytes, _) = Self.record(names, seed: 1)
        func read(_ bytes: [UInt8]) {
            guard let record = try? FolderRecord(bytes) else { return }
            var cursor = record.cursor()
            for name in names { _ = cursor.find(name) }
        }
        for count in 0..<bytes.count { read(Array(bytes[..<count])) }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0xff
            read(changed)
        }
    }
}
