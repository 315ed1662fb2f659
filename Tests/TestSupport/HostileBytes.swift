/// Makes the damaged variants of an encoded object that every decoder must survive.
public enum HostileBytes {
    /// Calls `body` with every proper prefix of `bytes`, the empty one included.
    public static func truncations(of bytes: [UInt8], _ body: ([UInt8]) throws -> Void) rethrows {
        for count in 0..<bytes.count { try body(Array(bytes[..<count])) }
    }

    /// Calls `body` with `bytes` once per position, that byte replaced by its complement, by 0, 0x7F, 0x80 and 0xFF
    /// and with each single bit inverted.
    public static func flips(of bytes: [UInt8], _ body: ([UInt8]) throws -> Void) rethrows {
        for index in bytes.indices {
            let byte = bytes[index]
            var values: Set<UInt8> = [~byte, 0, 0x7F, 0x80, 0xFF]
            for bit in 0..<8 { values.insert(byte ^ (1 << UInt8(bit))) }
            values.remove(byte)
            for value in values.sorted() {
                var damaged = bytes
                damaged[index] = value
                try body(damaged)
            }
        }
    }
}
