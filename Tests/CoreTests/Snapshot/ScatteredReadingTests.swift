import Testing

@testable import Core

@Suite struct ScatteredReadingTests {
    private static func read(
        _ reading: inout ScatteredReading,
        _ offset: UInt64,
        _ count: UInt64 = 4096,
        isBulk: Bool = false
    ) {
        reading.note(offset..<offset + count, isBulk: isBulk)
    }

    private static func gives(_ reading: inout ScatteredReading, _ chunk: Int, waited: Bool) -> Bool {
        reading.wantsWhole(chunk, waited: waited)
    }

    private static func scattered() -> ScatteredReading {
        var reading = ScatteredReading()
        for index in 0..<5 { read(&reading, UInt64(index * 7 % 5) * 10_000_000) }
        return reading
    }

    @Test("who jumps about is given each chunk whole that is decoded for it")
    func jumps() {
        var reading = Self.scattered()
        #expect(Self.gives(&reading, 3, waited: true))
        #expect(Self.gives(&reading, 4, waited: true))
        #expect(Self.gives(&reading, 3, waited: true))
    }

    @Test("several reads that waited for one chunk give it once")
    func once() {
        var reading = Self.scattered()
        #expect(Self.gives(&reading, 3, waited: true))
        #expect(!Self.gives(&reading, 3, waited: true))
    }

    @Test("a chunk in the cache is given once, lest a kernel without room get it again and again")
    func cached() {
        var reading = Self.scattered()
        #expect(Self.gives(&reading, 3, waited: false))
        #expect(Self.gives(&reading, 4, waited: false))
        #expect(!Self.gives(&reading, 3, waited: false))
    }

    @Test("a few looks at a file are no scattered reading")
    func looks() {
        var reading = ScatteredReading()
        for offset: UInt64 in [0, 70_000_000, 1_000_000, 30_000_000] {
            Self.read(&reading, offset)
            #expect(!Self.gives(&reading, Int(offset / 2_000_000), waited: true))
        }
    }

    @Test("who goes on where he was, forwards or backwards, is not given more", arguments: [1, -1])
    func sequential(direction: Int) {
        var reading = ScatteredReading()
        for step in 0..<100 {
            Self.read(&reading, UInt64(500_000_000 + direction * step * 16_384), 16_384)
            #expect(!Self.gives(&reading, step, waited: true))
        }
    }

    @Test("reading ahead by the kernel ends it")
    func bulk() {
        var reading = Self.scattered()
        Self.read(&reading, 90_000_000, 1_048_576, isBulk: true)
        #expect(!Self.gives(&reading, 9, waited: true))
    }

    @Test("whole pages only, but for the end of the file")
    func extents() throws {
        let page = Int64(BufferPool.pageByteCount)
        let bytes = ByteBuffer([UInt8](repeating: 1, count: Int(4 * page)))
        let inner = FileTable.Chunk(offset: 10, byteCount: Int32(4 * page), hash: .zero)
        let extent = try #require(PageExtent(of: inner, bytes, fileSize: 100 * page))
        #expect(extent.offset == UInt64(page))
        #expect(extent.piece.range == Int(page) - 10..<Int(4 * page) - 10)
        let last = try #require(PageExtent(of: inner, bytes, fileSize: inner.end))
        #expect(last.piece.range == Int(page) - 10..<Int(4 * page))
        let small = FileTable.Chunk(offset: 10, byteCount: Int32(page), hash: .zero)
        #expect(PageExtent(of: small, bytes, fileSize: 100 * page) == nil)
    }
}
