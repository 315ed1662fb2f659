/// The bytes that answer a read, in pieces that stay where the cache has them.
public struct FileBytes: Sendable {
    /// A part of a buffer.
    public struct Piece: Sendable {
        /// Holds the bytes.
        public let buffer: ByteBuffer
        /// Which of them.
        public let range: Range<Int>
    }

    /// In file order.
    public internal(set) var pieces: [Piece] = []
    /// The sum of the pieces.
    public internal(set) var byteCount = 0
    /// How the kernel is wrong about the size of the file, if it is.
    public internal(set) var correction = SizeCorrection.none
    /// What else the kernel should have of the file, whoever asked for these bytes.
    public internal(set) var spare: [PageExtent] = []

    mutating func append(_ buffer: ByteBuffer, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        pieces.append(Piece(buffer: buffer, range: range))
        byteCount += range.count
    }
}

/// What the kernel has to be told after a read found the true size of a file.
public enum SizeCorrection: Sendable {
    /// Nothing.
    case none
    /// There is more than the entry tells: forget the attributes before the reply.
    case grew
    /// There is less: the short reply says so; forget the attributes after it.
    ///
    /// Not before: the kernel then keeps the size it has, and shows zeros behind the end.
    case shrank
}

/// Whole pages of a file; the last one may end where the file does.
public struct PageExtent: Sendable {
    /// Where they begin in the file, in bytes.
    public let offset: UInt64
    /// Holds them.
    public let piece: FileBytes.Piece

    /// The whole pages within a chunk; nil when there are none.
    init?(of chunk: FileTable.Chunk, _ bytes: ByteBuffer, fileSize: Int64) {
        let page = Int64(BufferPool.pageByteCount)
        let start = (chunk.offset + page - 1) / page * page
        let end = chunk.end == fileSize ? chunk.end : chunk.end / page * page
        guard start < end else { return nil }
        offset = UInt64(start)
        piece = FileBytes.Piece(buffer: bytes, range: Int(start - chunk.offset)..<Int(end - chunk.offset))
    }
}
