@testable import Core
import Testing

/// The keys of the worked examples.
///
/// - Source: rekkord-format(5), "EXAMPLES".
enum GoldenKeys {
    static let masterText = """
        -----BEGIN REKKORD KEY-----
        AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
        -----END REKKORD KEY-----

        """

    static func master() throws -> KeySet { try KeyFile.parse(Array(masterText.utf8)) }

    /// The derived key with the fixed id and seed.
    static func derived(_ type: KeyType) throws -> (text: [UInt8], keys: KeySet) {
        let id = try #require(KeyID(Array(0xA0...0xAF)))
        return try KeyFile.derive(type, from: master(), id: id, signingSeed: secret(from: 0x20))
    }

    /// What the master key signs.
    static func masterSignature(of bytes: ArraySlice<UInt8>) throws -> [UInt8] {
        let keys = try master()
        switch keys.masterSeed {
        case .some(let seed): return bytes.withUnsafeBytes { Sodium.sign($0, seed: seed) }
        case .none: throw FormatError("no key")
        }
    }

    /// 32 bytes that count up from `first`.
    static func secret(from first: UInt8) -> SecretKey {
        SecretKey { $0.copyBytes(from: first..<first + 32) }
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String { Hexadecimal.encode(bytes).lowercased() }

    static func hex(_ key: borrowing SecretKey) -> String { key.withBytes { hex($0) } }

    /// SHA-256 as lower-case digits.
    static func sha256(_ bytes: [UInt8]) -> String { hex(Sodium.sha256(bytes)) }
}
