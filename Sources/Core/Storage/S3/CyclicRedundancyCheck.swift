/// Computes one reflected CRC whose start and final mask are all ones, eight bytes at a time.
///
/// Table `k` holds, for each byte, what it adds to the CRC when `k` more bytes follow it; so eight look-ups that do not
/// depend on one another take the place of eight that do.
struct CyclicRedundancyCheck<Word: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    private static var stride: Int { 8 }
    /// `stride` tables of 256 words, one after the other.
    private let tables: [Word]

    /// - Parameter polynomial: Without its highest term, bits reversed.
    init(reflected polynomial: Word) {
        var tables = [Word](repeating: 0, count: Self.stride * 256)
        for byte in 0..<256 {
            var value = Word(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        self.tables = tables
    }

    func compute(_ bytes: UnsafeRawBufferPointer) -> Word {
        tables.withUnsafeBufferPointer { tables in
            // In bounds: each index is a table below `stride` times 256 plus one byte.
            guard let table = tables.baseAddress else { return 0 }
            var crc = Word.max
            var offset = 0
            while offset + 8 <= bytes.count {
                let next = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let mixed = next ^ UInt64(crc)
                crc = table[1792 + Int(mixed & 0xFF)] ^ table[1536 + Int(mixed >> 8 & 0xFF)]
                crc ^= table[1280 + Int(mixed >> 16 & 0xFF)] ^ table[1024 + Int(mixed >> 24 & 0xFF)]
                crc ^= table[768 + Int(mixed >> 32 & 0xFF)] ^ table[512 + Int(mixed >> 40 & 0xFF)]
                crc ^= table[256 + Int(mixed >> 48 & 0xFF)] ^ table[Int(mixed >> 56)]
                offset += 8
            }
            while offset < bytes.count {
                crc = crc >> 8 ^ table[Int(crc & 0xFF) ^ Int(bytes[offset])]
                offset += 1
            }
            return ~crc
        }
    }
}
