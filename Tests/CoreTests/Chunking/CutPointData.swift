import CSodium

@testable import Core

/// Holds the input of the golden cut points and the secret that goes with it.
///
/// - Source: rekkord-format(5), "Cutting" and "EXAMPLES".
enum CutPointData {
    /// 32 MiB: BLAKE2b-512 of 0, 1, 2, … as little-endian words of 64 bits, joined.
    static let bytes: [UInt8] = {
        let hashByteCount = 64
        return [UInt8](unsafeUninitializedCapacity: 32 << 20) { target, count in
            count = target.count
            guard var position = target.baseAddress else { return }
            for index in 0..<UInt64(target.count / hashByteCount) {
                var word = index.littleEndian
                withUnsafeBytes(of: &word) { word in
                    _ = crypto_generichash_blake2b(
                        position,
                        hashByteCount,
                        word.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        UInt64(word.count),
                        nil,
                        0
                    )
                }
                position += hashByteCount
            }
        }
    }()

    /// What the example master key 00 01 … 1F gives the splitters.
    static let salt: SplitterSalt = {
        let master = SecretKey { $0.copyBytes(from: 0..<32) }
        guard let salt = KeySet(master: master).splitterSalt else {
            fatalError("a master key has a splitter key")
        }
        return salt
    }()

    /// The SHA-256 of `bytes` as lower-case digits.
    static func sha256(_ bytes: [UInt8]) -> String {
        var hash = [UInt8](repeating: 0, count: 32)
        crypto_hash_sha256(&hash, bytes, UInt64(bytes.count))
        return Hexadecimal.encode(hash).lowercased()
    }
}
