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

    private static func record(
        _ names: [[UInt8]],
        seed: UInt64,
        hash: Hash32 = .zero
    ) -> (parts: [[UInt8]], entries: [FolderRecord.Entry]) {
        var random = SeededRandom(seed)
        var entries: [FolderRecord.Entry] = []
        var builder = FolderRecord.Builder(circumstances, isComplete: true, hash: hash, stored: 77)
        for name in names {
            let entry = entry(&random)
            builder.append(name, entry)
            entries.append(entry)
        }
        return (builder.finish(), entries)
    }

    /// Names in the order of their bytes, too many for one part.
    private static let manyNames = (0..<10_000).map { Array("file \($0 + 10_000)".utf8) }

    @Test("what was put in comes out, in step with sorted names", arguments: 0..<20)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let names = Set((0..<30).map { _ in random.bytes(1 + Int(random.next() % 5)) })
            .sorted { $0.lexicographicallyPrecedes($1) }
        let (parts, entries) = Self.record(names, seed: seed)
        #expect(parts.count == 1)
        let record = try FolderRecord(parts[0])
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

    @Test("a record of many entries comes in parts, each read once")
    func parts() throws {
        let (parts, entries) = Self.record(Self.manyNames, seed: 3)
        #expect(parts.count > 3)
        #expect(parts.allSatisfy { $0.count < FolderRecord.partByteCount + 1024 })
        let asked = Locked<[Int]>([])
        let record = try FolderRecord(parts[0]) { number in
            asked.withLock { $0.append(number) }
            return number < parts.count ? parts[number] : nil
        }
        #expect(record.count == Self.manyNames.count)
        var cursor = record.cursor()
        var wrong = 0
        for (name, entry) in zip(Self.manyNames, entries) where cursor.find(name) != entry { wrong += 1 }
        #expect(wrong == 0)
        #expect(cursor.find(Array("g".utf8)) == nil)
        #expect(asked.withLock { $0 } == Array(1..<parts.count))
    }

    @Test("a record ends before a part that is missing, or from another time")
    func strayPart() throws {
        let (parts, entries) = Self.record(Self.manyNames, seed: 3)
        let other = Self.record(Self.manyNames, seed: 4, hash: entries[0].hash).parts
        for stray in [nil, other[2]] {
            let record = try FolderRecord(parts[0]) { $0 == 2 ? stray : parts[$0] }
            var cursor = record.cursor()
            let found = Self.manyNames.map { cursor.find($0) }
            let count = try #require(found.firstIndex(of: nil))
            #expect(found[..<count].elementsEqual(entries[..<count].map(Optional.some)))
            #expect(found[count...].allSatisfy { $0 == nil })
        }
    }

    @Test("a record that is cut off or changed is less help, never a crash")
    func hostile() {
        let names = ["a", "bb", "ccc"].map { Array($0.utf8) }
        let bytes = Self.record(names, seed: 1).parts[0]
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

extension FolderRecord.Builder {
    /// Appends an entry with the extended attributes that it holds.
    mutating func append(_ name: [UInt8], _ entry: FolderRecord.Entry) {
        name.withRawBytes { name in
            entry.extended.withRawBytes { append(name, entry, extended: $0) }
        }
    }
}
