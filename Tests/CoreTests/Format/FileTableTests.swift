import TestSupport
import Testing

@testable import Core

@Suite struct FileTableTests {
    private static func chunk(_ offset: Int64, _ byteCount: Int32) -> FileTable.Chunk {
        FileTable.Chunk(offset: offset, byteCount: byteCount, hash: EntrySamples.helloHash)
    }

    private static func table(_ chunks: [FileTable.Chunk], size: Int64) throws -> FileTable {
        try FileTable(ByteBuffer(FileTable.encode(chunks, size: size)))
    }

    @Test("an empty file is eight zero bytes")
    func empty() throws {
        #expect(FileTable.encode([], size: 0) == [UInt8](repeating: 0, count: 8))
        let table = try Self.table([], size: 0)
        #expect(table.size == 0 && table.count == 0 && table.index(containing: 0) == nil)
        #expect(throws: FormatError.self) { try Self.table([], size: 1) }
    }

    @Test("a row is offset, length and hash")
    func layout() {
        let bytes = FileTable.encode([Self.chunk(0x0102, 0x0304)], size: 0x0406)
        #expect(Array(bytes[..<12]) == EntrySamples.bytes("0201000000000000 04030000"))
        #expect(Array(bytes[12..<44]) == EntrySamples.helloHash.bytes)
        #expect(Array(bytes[44...]) == EntrySamples.bytes("0604000000000000"))
    }

    @Test("each byte is found in its chunk, and none in a gap")
    func lookup() throws {
        let chunks = [Self.chunk(2, 3), Self.chunk(5, 0), Self.chunk(5, 1), Self.chunk(10, 2)]
        let table = try Self.table(chunks, size: 12)
        #expect((0..<table.count).map { table.chunk(at: $0) } == chunks)
        let expected = [nil, nil, 0, 0, 0, 2, nil, nil, nil, nil, 3, 3, nil, nil]
        #expect((0..<14).map { table.index(containing: Int64($0)) } == expected)
        #expect(table.index(containing: -1) == nil && table.index(containing: .max) == nil)
        #expect(table.firstIndex(endingAfter: 6) == 3 && table.firstIndex(endingAfter: 12) == 4)
    }

    @Test("a table may cover all of Int64 but not more")
    func limits() throws {
        #expect(try Self.table([Self.chunk(0, 1), Self.chunk(.max - 1, 1)], size: .max).size == .max)
        #expect(throws: FormatError.self) { try Self.table([Self.chunk(.max, 1)], size: .max) }
        #expect(throws: FormatError.self) { try Self.table([Self.chunk(.max, 1)], size: .min) }
    }

    @Test("contradictions are refused")
    func contradictions() {
        let bad: [([FileTable.Chunk], Int64)] = [
            ([Self.chunk(0, 5)], 4), ([Self.chunk(0, 5)], 6), ([Self.chunk(0, -1)], -1),
            ([Self.chunk(-1, 1)], 0),
            ([Self.chunk(0, 5), Self.chunk(4, 5)], 9), ([Self.chunk(5, 5), Self.chunk(0, 5)], 5),
            ([Self.chunk(0, 5), Self.chunk(5, 5)], 11), ([], -1),
        ]
        for (chunks, size) in bad {
            #expect(throws: FormatError("malformed list of chunks")) { try Self.table(chunks, size: size) }
        }
    }

    @Test("a truncated table is refused unless the next offset stands where the size would")
    func truncation() {
        let bytes = FileTable.encode([Self.chunk(0, 5), Self.chunk(5, 5)], size: 10)
        HostileBytes.truncations(of: bytes) { damaged in
            let table = try? FileTable(ByteBuffer(damaged))
            #expect((table != nil) == [8, 52].contains(damaged.count), "\(damaged.count) bytes")
        }
    }

    @Test("a table with any byte changed is refused or stays consistent")
    func flips() {
        let bytes = FileTable.encode([Self.chunk(0, 5), Self.chunk(5, 5)], size: 10)
        HostileBytes.flips(of: bytes) { damaged in
            guard let table = try? FileTable(ByteBuffer(damaged)) else { return }
            #expect(table.size == 10 && table.chunk(at: 1).end == 10)
        }
    }
}
