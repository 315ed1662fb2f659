/// Cuts by the content alone: the secret is in the table, so an insertion of any length moves the cuts with it.
///
/// A gear hash of 64 bits: each byte shifts the hash by one and adds its table value, so 64 bytes decide about a cut. Up
/// to the normal size a cut needs 22 zero bits, then 19, which keeps sizes close together.
///
/// - Source: rekkord-format(5), "Cutting". The numbers never change; a better splitter gets another name.
struct StableSplitter: Sendable {
    /// How many bytes the table is read from.
    static let tableByteCount = 256 * MemoryLayout<UInt64>.size

    /// How many bytes have a part in the hash.
    private static let hashedByteCount = 64
    private static let strictMask: UInt64 = ~0 << (64 - 22)
    private static let looseMask: UInt64 = ~0 << (64 - 19)

    private let table: [UInt64]

    init(tableBytes: [UInt8]) {
        precondition(tableBytes.count == Self.tableByteCount)
        table = tableBytes.withUnsafeBytes { bytes in
            (0..<256).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            }
        }
    }

    /// Searches the chunk at `start`, more than the minimum of it, up to `limit`; nil when there is no cut.
    func advance(_ search: inout Splitter.Search, in start: UnsafeRawPointer, upTo limit: Int) -> Int? {
        let bytes = start.assumingMemoryBound(to: UInt8.self)
        return table.withUnsafeBufferPointer { table -> Int? in
            guard let table = table.baseAddress else { return nil }
            var hash = search.hash
            var offset = search.byteCount
            if offset == 0 {
                offset = Splitter.minimumChunkByteCount
                for index in offset - Self.hashedByteCount..<offset {
                    hash = (hash << 1) &+ table[Int(bytes[index])]
                }
            }
            let middle = min(max(Splitter.normalChunkByteCount, offset), limit)
            if let end = Self.find(Self.strictMask, in: bytes, &offset, middle, &hash, table)
                ?? Self.find(Self.looseMask, in: bytes, &offset, limit, &hash, table)
            {
                return end
            }
            search.hash = hash
            search.byteCount = limit
            return nil
        }
    }

    @inline(__always)
    private static func find(
        _ mask: UInt64,
        in bytes: UnsafePointer<UInt8>,
        _ offset: inout Int,
        _ limit: Int,
        _ hash: inout UInt64,
        _ table: UnsafePointer<UInt64>
    ) -> Int? {
        while offset < limit {
            hash = (hash << 1) &+ table[Int(bytes[offset])]
            offset &+= 1
            if hash & mask == 0 { return offset }
        }
        return nil
    }
}
