/// Shows that the master key issued a derived key: 113 bytes, stored under `keys/<key id>`.
///
/// kid 16 | type 1 | pkey 32 | signature of the first 49 bytes by the master 64.
/// - Source: rekkord-format(5), "Derived key".
struct Badge: Sendable {
    static let byteCount = 113
    private static let signedByteCount = 49

    let bytes: [UInt8]
    let id: KeyID
    let type: KeyType

    /// Checks length, type and signature.
    ///
    /// - Throws: what does not hold, when `bytes` is not a badge that the owner of `masterPublicKey` signed.
    init(_ bytes: [UInt8], masterPublicKey: borrowing SecretKey) throws(FormatError) {
        guard bytes.count == Self.byteCount else { throw FormatError("badge of wrong length") }
        guard let type = KeyType(rawValue: bytes[16]), type != .master else {
            throw FormatError("badge of unknown type")
        }
        let isSigned = bytes.withUnsafeBytes { bytes in
            masterPublicKey.withBytes {
                Sodium.verify(
                    UnsafeRawBufferPointer(rebasing: bytes[Self.signedByteCount...]),
                    of: UnsafeRawBufferPointer(rebasing: bytes[..<Self.signedByteCount]),
                    publicKey: $0
                )
            }
        }
        guard isSigned, let id = KeyID(bytes[..<16]) else {
            throw FormatError("badge not signed by the master key")
        }
        self.bytes = bytes
        self.id = id
        self.type = type
    }

    /// Issues a badge for the key pair `publicKey`.
    init(id: KeyID, type: KeyType, publicKey: borrowing SecretKey, masterSeed: borrowing SecretKey) {
        var bytes = id.bytes + [type.rawValue]
        publicKey.withBytes { bytes.append(contentsOf: $0) }
        bytes += bytes.withUnsafeBytes { Sodium.sign($0, seed: masterSeed) }
        self.bytes = bytes
        self.id = id
        self.type = type
    }

    /// The public key that the owner signs tags with.
    var publicKey: [UInt8] { Array(bytes[17..<49]) }
}
