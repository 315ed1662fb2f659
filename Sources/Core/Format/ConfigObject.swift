/// The root object `rekkord`: which repository this is, and which generation of caches is valid.
///
/// version 1 | length 2 | nonce 24 | box of the 32 bytes below, then zeros, 4112 | signature 64; 4203 bytes.
/// - Source: rekkord-format(5), "Config object".
struct ConfigObject: Equatable {
    static let byteCount = 4203
    private static let version: UInt8 = 3
    private static let plaintextByteCount = 32
    private static let boxOffset = 27
    private static let signatureOffset = 4139
    static let idByteCount = 16

    /// Never changes.
    let repositoryID: [UInt8]
    /// Replaced by `change_cid`.
    let cacheID: [UInt8]

    /// Why a config object was refused.
    enum Failure: Error {
        /// It was signed or encrypted with another key.
        case keyDoesNotMatch
        /// Another version, or not a config object.
        case unsupported(FormatError)
    }

    /// Checks and opens the object.
    init(_ object: [UInt8], key: borrowing SecretKey) throws(Failure) {
        guard let version = object.first, object.count >= Self.boxOffset else {
            throw .unsupported(FormatError("malformed config object"))
        }
        guard version == Self.version else {
            throw .unsupported(FormatError("config version \(Int8(bitPattern: version)) is not supported"))
        }
        guard object[1] == Self.plaintextByteCount, object[2] == 0, object.count <= Self.byteCount else {
            throw .unsupported(FormatError("malformed config object"))
        }
        guard object.count == Self.byteCount else { throw .keyDoesNotMatch }
        let isSigned = object.withRawBytes { bytes in
            key.withBytes {
                Sodium.verify(
                    UnsafeRawBufferPointer(rebasing: bytes[Self.signatureOffset...]),
                    of: UnsafeRawBufferPointer(rebasing: bytes[..<Self.signatureOffset]),
                    publicKey: $0
                )
            }
        }
        let boxEnd = Self.boxOffset + Self.plaintextByteCount + Sodium.secretBoxOverhead
        let nonce = Array(object[3..<Self.boxOffset])
        guard isSigned,
            let ids = Sodium.openSecretBox(Array(object[Self.boxOffset..<boxEnd]), nonce: nonce, key: key)
        else { throw .keyDoesNotMatch }
        repositoryID = Array(ids[..<Self.idByteCount])
        cacheID = Array(ids[Self.idByteCount...])
    }

    /// Takes both ids, 16 bytes each.
    init(repositoryID: [UInt8], cacheID: [UInt8]) {
        precondition(repositoryID.count == Self.idByteCount && cacheID.count == Self.idByteCount)
        self.repositoryID = repositoryID
        self.cacheID = cacheID
    }

    /// Encrypts and signs the ids.
    ///
    /// - Parameters:
    ///   - key: opens the object; the public half of `seed`.
    ///   - nonce: 24 bytes, random outside tests.
    func encode(
        key: borrowing SecretKey,
        seed: borrowing SecretKey,
        nonce: [UInt8] = Sodium.random(Sodium.secretBoxNonceByteCount)
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.integer(Self.version)
        writer.integer(UInt16(Self.plaintextByteCount))
        writer.append(nonce)
        writer.append(Sodium.secretBox(repositoryID + cacheID, nonce: nonce, key: key))
        writer.zeros(Self.signatureOffset - writer.bytes.count)
        writer.append(writer.bytes.withRawBytes { Sodium.sign($0, seed: seed) })
        return writer.bytes
    }
}
