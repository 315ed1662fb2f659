/// Tells which chunks make up a file that has none or several.
///
/// ```
/// n × | offset i64 | length i32 | hash[32] |     then | file size i64 |
/// ```
///
/// Chunks ascend and do not overlap. Between them there may be gaps, which read as zeros.
/// - Source: rekkord-format(5), "FILES AND CHUNKS".
public struct FileTable: Sendable {
    /// One row of the table.
    public struct Chunk: Hashable, Sendable {
        /// Where the chunk starts in the file.
        public var offset: Int64
        /// The length of the chunk; its plaintext must have exactly as many bytes.
        public var byteCount: Int32
        /// The hash of the Chunk blob.
        public var hash: Hash32

        /// Joins the fields.
        public init(offset: Int64, byteCount: Int32, hash: Hash32) {
            self.offset = offset
            self.byteCount = byteCount
            self.hash = hash
        }

        /// Where the chunk ends in the file; for chunks of a table this cannot overflow.
        public var end: Int64 { offset + Int64(byteCount) }

        /// Where the chunk is stored.
        public var objectID: ObjectID { ObjectID(.raw, hash) }
    }

    private static let rowByteCount = 44
    private static let trailerByteCount = 8

    /// The size of the file, 0…`Int64.max`.
    public let size: Int64
    /// How many chunks there are.
    public let count: Int
    private let bytes: ByteBuffer

    /// Checks the plaintext of a File blob.
    ///
    /// - Throws: When lengths or offsets contradict each other.
    public init(_ bytes: ByteBuffer) throws(FormatError) {
        let malformed = FormatError("malformed list of chunks")
        guard bytes.count % Self.rowByteCount == Self.trailerByteCount else { throw malformed }
        let count = bytes.count / Self.rowByteCount
        self.bytes = bytes
        self.count = count
        size = try bytes.withBytes { (bytes) throws(FormatError) in
            var end: Int64 = 0
            for index in 0..<count {
                let chunk = Self.chunk(at: index, in: bytes)
                guard chunk.byteCount >= 0, chunk.offset >= end else { throw malformed }
                let (next, overflow) = chunk.offset.addingReportingOverflow(Int64(chunk.byteCount))
                guard !overflow else { throw malformed }
                end = next
            }
            var trailer = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[(count * Self.rowByteCount)...]))
            guard try trailer.integer(Int64.self) == end else { throw malformed }
            return end
        }
    }

    /// The chunk at `index`, 0..<`count`.
    public func chunk(at index: Int) -> Chunk {
        precondition(index >= 0 && index < count)
        return bytes.withBytes { Self.chunk(at: index, in: $0) }
    }

    /// The chunk that holds the byte at `offset`; nil in a gap and beyond the end.
    public func index(containing offset: Int64) -> Int? {
        let index = firstIndex(endingAfter: offset)
        return index < count && chunk(at: index).offset <= offset ? index : nil
    }

    /// The first chunk with bytes at or behind `offset`; `count` when there is none.
    public func firstIndex(endingAfter offset: Int64) -> Int {
        bytes.withBytes { bytes in
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                if Self.chunk(at: middle, in: bytes).end > offset { high = middle } else { low = middle + 1 }
            }
            return low
        }
    }

    /// The memory that the table occupies.
    public var memoryByteCount: Int { bytes.allocatedByteCount + 64 }

    private static func chunk(at index: Int, in bytes: UnsafeRawBufferPointer) -> Chunk {
        let row = index * rowByteCount
        return Chunk(
            offset: Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: row, as: Int64.self)),
            byteCount: Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: row + 8, as: Int32.self)),
            hash: Hash32(UnsafeRawBufferPointer(rebasing: bytes[row + 12..<row + rowByteCount]))
        )
    }

    /// Encodes the plaintext of a File blob; a file of exactly one chunk has none.
    ///
    /// - Parameters:
    ///   - chunks: In file order, each starting where the one before ends, the first at 0.
    ///   - size: The bytes really read.
    public static func encode(_ chunks: some Collection<Chunk>, size: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: chunks.count * rowByteCount + trailerByteCount)
        for chunk in chunks {
            writer.integer(chunk.offset)
            writer.integer(chunk.byteCount)
            writer.hash(chunk.hash)
        }
        writer.integer(size)
        return writer.bytes
    }
}
