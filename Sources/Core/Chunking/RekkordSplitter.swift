/// Cuts exactly where the original tool cuts: a gear hash of 31 bits over bytes that are mixed with the seed by their
/// position in the file.
///
/// Of its two masks only the second is ever used with these sizes. The position decides as well, so an insertion moves
/// all later cuts unless its length is a multiple of 8.
///
/// - Source: rekkord-format(5), "Cutting".
struct RekkordSplitter: Sendable {
    private static let seedByteCount = 8
    private static let mask: UInt32 = 0x000F_FFFF

    /// The seed with its first byte lowest.
    private let seed: UInt64

    init(seed: [UInt8]) {
        precondition(seed.count == Self.seedByteCount)
        self.seed = seed.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Searches the chunk at `start`, more than the minimum of it, up to `limit`; nil when there is no cut.
    func advance(_ search: inout Splitter.Search, in start: UnsafeRawPointer, upTo limit: Int) -> Int? {
        GearTable.constants.withUnsafeBufferPointer { table -> Int? in
            guard let table = table.baseAddress else { return nil }
            var hash = UInt32(truncatingIfNeeded: search.hash)
            var offset = max(search.byteCount, Splitter.minimumChunkByteCount)

            // The seed turned so that the byte for `offset` is lowest; eight bytes on it is the same again.
            let turn = (search.fileOffset &+ UInt64(offset)) % 8 * 8
            let seed = turn == 0 ? seed : seed >> turn | seed << (64 - turn)

            while offset < limit {
                let count = min(8, limit - offset)
                var mixed = seed ^ Self.word(start + offset, count)
                for _ in 0..<count {
                    hash = (hash >> 1) &+ table[Int(UInt8(truncatingIfNeeded: mixed))]
                    mixed >>= 8
                    offset &+= 1
                    if hash & Self.mask == 0 { return offset }
                }
            }
            search.hash = UInt64(hash)
            search.byteCount = limit
            return nil
        }
    }

    /// The next `count` bytes, 1…8, the first one lowest.
    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
        if count == 8 { return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) }
        return (0..<count).reversed().reduce(0) {
            $0 << 8 | UInt64(bytes.load(fromByteOffset: $1, as: UInt8.self))
        }
    }
}
