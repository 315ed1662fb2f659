/// Reads streams of bytes chunk by chunk through one buffer, which is kept from stream to stream.
///
/// The search for a chunk's end follows the reading in pieces, so at an end at most one piece is left over and moved
/// to the front. Memory is bounded by the largest chunk plus a piece, whatever the size of a stream; short streams
/// touch only as much of it as they fill.
public struct ChunkReader: ~Copyable {
    /// How many bytes are read at once.
    static let pieceByteCount = 256 << 10
    private static let capacity = Splitter.maximumChunkByteCount + pieceByteCount
    private static let alignment = 4096

    private let splitter: Splitter
    private let buffer: UnsafeMutableRawBufferPointer
    /// How many bytes at the start of the buffer are filled, and how many of them were handed out as a chunk.
    private var filledByteCount = 0
    private var spentByteCount = 0
    private var isEnd = false

    /// Where in the stream the next chunk starts, which is how many bytes the chunks so far had.
    public private(set) var offset: UInt64 = 0

    /// Makes a reader at the start of a stream.
    public init(_ splitter: Splitter) {
        self.splitter = splitter
        buffer = .allocate(byteCount: Self.capacity, alignment: Self.alignment)
    }

    deinit {
        buffer.deallocate()
    }

    /// Starts the next stream; whatever is left of the last one is dropped.
    public mutating func restart() {
        filledByteCount = 0
        spentByteCount = 0
        isEnd = false
        offset = 0
    }

    /// Reads up to the end of the next chunk and calls `body` with it; nil when the stream has no more.
    ///
    /// - Parameters:
    ///   - read: Fills a buffer from its start and returns how many bytes it wrote; 0 is the end of the stream.
    ///     When it throws, the chunk is not handed out; the same call can be made again.
    ///   - body: Gets the chunk, which must not escape from it.
    public mutating func next<R, E: Error>(
        read: (UnsafeMutableRawBufferPointer) throws(E) -> Int,
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R? {
        dropSpent()
        var search = Splitter.Search(fileOffset: offset)
        while true {
            let filled = UnsafeRawBufferPointer(rebasing: buffer[..<filledByteCount])
            if let end = splitter.advance(&search, in: filled, isEnd: isEnd) {
                guard end > 0 else { return nil }
                let result = try body(UnsafeRawBufferPointer(rebasing: filled[..<end]))
                spentByteCount = end
                offset += UInt64(end)
                return result
            }
            let room = buffer[filledByteCount..<min(filledByteCount + Self.pieceByteCount, buffer.count)]
            let count = try read(UnsafeMutableRawBufferPointer(rebasing: room))
            precondition(count >= 0 && count <= room.count)
            filledByteCount += count
            isEnd = count == 0
        }
    }

    /// Moves what was read beyond the last chunk to the front.
    private mutating func dropSpent() {
        guard spentByteCount > 0 else { return }
        filledByteCount -= spentByteCount
        buffer.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: buffer[spentByteCount..<spentByteCount + filledByteCount])
        )
        spentByteCount = 0
    }
}
