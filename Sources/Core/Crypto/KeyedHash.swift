internal import CBLAKE3

/// Keyed BLAKE3 of whole buffers; the only file that touches `CBLAKE3`.
enum KeyedHash {
    /// Hashes `bytes` with a key of 32 bytes, on the fastest path of this machine.
    static func hash(_ bytes: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> Hash32 {
        precondition(key.count == Int(RK_BLAKE3_KEY_BYTES))
        return withUnsafeTemporaryAllocation(byteCount: Hash32.byteCount, alignment: 16) { result in
            rk_blake3_keyed(
                RK_BLAKE3_BEST,
                key.assumingMemoryBound(to: UInt8.self).baseAddress.unsafelyUnwrapped,
                bytes.baseAddress,
                bytes.count,
                result.assumingMemoryBound(to: UInt8.self).baseAddress.unsafelyUnwrapped
            )
            return Hash32(UnsafeRawBufferPointer(result))
        }
    }
}
