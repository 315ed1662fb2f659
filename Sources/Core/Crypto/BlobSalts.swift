/// The secrets that all who write to a repository share: they key the hashes and the splitters.
///
/// - Source: rekkord-format(5), "Object IDs" and "Cutting".
final class BlobSalts: Sendable {
    /// Keys blob hashes.
    let hashKey: SecretKey
    /// Keys the splitters; its first 8 bytes are the seed of the original's.
    let splitterKey: SecretKey

    init(_ dataPublic: borrowing SecretKey) {
        hashKey = Sodium.derive(dataPublic, id: 0)
        splitterKey = Sodium.derive(dataPublic, id: 1)
    }

    /// The name of a plaintext: keyed BLAKE3 with the blob type mixed into the last byte of the key.
    func hash(_ type: UInt8, _ plaintext: UnsafeRawBufferPointer) -> Hash32 {
        hashKey.withBytes { key in
            withUnsafeTemporaryAllocation(byteCount: SecretKey.byteCount, alignment: 16) { typed in
                typed.copyMemory(from: key)
                typed[SecretKey.byteCount - 1] ^= type
                defer { Sodium.wipe(typed) }
                return KeyedHash.hash(plaintext, key: UnsafeRawBufferPointer(typed))
            }
        }
    }
}

/// What the splitters are made of.
public struct SplitterSalt: Sendable {
    /// The ChaCha20 stream of 2048 bytes that the table of `Stable` is read from.
    public let stableTableBytes: [UInt8]
    /// The 8 seed bytes of the original's splitter.
    public let seed: [UInt8]

    init(_ salts: BlobSalts) {
        stableTableBytes = Sodium.chaCha20Keystream(
            salts.splitterKey,
            nonce: Array("rekkord-gear".utf8),
            byteCount: 2048
        )
        seed = salts.splitterKey.withBytes { Array($0[..<8]) }
    }
}
