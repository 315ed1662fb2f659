/// The object names that make one tag: everything a tag says stands in the names of empty objects.
///
/// main: `tags/M/<key id>/<base64 of sealed intro 123 | signature 64>`; fragments: `tags/P/<prefix>_<nn>_<base64>`.
/// - Source: rekkord-format(5), "TAGS".
struct TagNames {
    static let mainFolder = "tags/M/"
    static let fragmentFolder = "tags/P/"
    static let maxFragments = 4
    private static let pieceByteCount = 148

    /// The main object, written last.
    let main: String
    /// The fragments in order.
    let fragments: [String]

    /// The random parts of one tag.
    final class Randomness {
        let prefix: [UInt8]
        let password: [UInt8]
        let ephemeral: SecretKey

        init() {
            prefix = Sodium.random(TagIntro.prefixByteCount)
            password = Sodium.random(TagIntro.passwordByteCount)
            ephemeral = .random()
        }

        /// Fixed values, for golden tests.
        init(prefix: [UInt8], password: [UInt8], ephemeral: consuming SecretKey) {
            self.prefix = prefix
            self.password = password
            self.ephemeral = ephemeral
        }
    }

    /// Seals and signs a tag.
    ///
    /// - Throws: when the payload does not fit.
    init(
        snapshot: ObjectID,
        payload: TagPayload,
        keys: KeySet,
        _ randomness: Randomness = Randomness()
    ) throws(FormatError) {
        let payload = payload.encode()
        let count = (payload.count + Self.pieceByteCount - 1) / Self.pieceByteCount
        guard count <= Self.maxFragments else { throw FormatError("tag payload of wrong length", .tag) }
        let intro = TagIntro(
            snapshot: snapshot,
            prefix: randomness.prefix,
            password: randomness.password,
            fragmentCount: UInt8(count)
        )
        var signed = intro.sealed(to: keys.logPublic, ephemeral: randomness.ephemeral)
        signed += signed.withRawBytes { Sodium.sign($0, seed: keys.signingSeed) }
        main = Self.mainFolder + keys.id.description + "/" + Self.base64(signed)

        let fragmentKey = try intro.fragmentKey()
        let prefix = Hexadecimal.encode(intro.prefix)
        fragments = (0..<count).map { index in
            let piece = Array(
                payload[(index * Self.pieceByteCount)..<min((index + 1) * Self.pieceByteCount, payload.count)]
            )
            let box = Sodium.secretBox(piece, nonce: TagIntro.nonce(index), key: fragmentKey)
            return Self.fragmentFolder + prefix + "_" + Self.twoDigits(index) + "_" + Self.base64(box)
        }
    }

    static func twoDigits(_ index: Int) -> String {
        (index < 10 ? "0" : "") + String(index)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.withRawBytes { Sodium.base64($0, .url) }, as: UTF8.self)
    }
}

/// The sealed part of a main tag: version 1 | OID 33 | prefix 16 | password 24 | number of fragments 1.
///
/// - Source: rekkord-format(5), "TAGS".
struct TagIntro {
    static let prefixByteCount = 16
    static let passwordByteCount = 24
    static let sealedByteCount = 123
    private static let version: UInt8 = 1
    private static let byteCount = 75

    let snapshot: ObjectID
    let prefix: [UInt8]
    let password: [UInt8]
    let fragmentCount: UInt8

    init(snapshot: ObjectID, prefix: [UInt8], password: [UInt8], fragmentCount: UInt8) {
        self.snapshot = snapshot
        self.prefix = prefix
        self.password = password
        self.fragmentCount = fragmentCount
    }

    /// Opens 123 sealed bytes.
    init(
        sealed: [UInt8],
        logPublic: borrowing SecretKey,
        logSecret: borrowing SecretKey
    ) throws(FormatError) {
        guard sealed.count == Self.sealedByteCount else { throw FormatError("tag of wrong length", .tag) }
        var intro = [UInt8](repeating: 0, count: Self.byteCount)
        let isOpen = sealed.withUnsafeBytes { sealed in
            intro.withUnsafeMutableBytes {
                Sodium.unseal(sealed, publicKey: logPublic, secretKey: logSecret, into: $0)
            }
        }
        guard isOpen else { throw FormatError("tag does not decrypt", .tag) }
        guard intro[0] == Self.version else {
            throw FormatError("tag version \(Int8(bitPattern: intro[0])) is not supported", .tag)
        }
        guard intro[1] == ObjectID.Catalog.metadata.rawValue, let hash = Hash32(Array(intro[2..<34])) else {
            throw FormatError("tag of something else than a snapshot", .tag)
        }
        guard (1...TagNames.maxFragments).contains(Int(intro[74])) else {
            throw FormatError("tag with \(intro[74]) fragments", .tag)
        }
        snapshot = ObjectID(.metadata, hash)
        prefix = Array(intro[34..<50])
        password = Array(intro[50..<74])
        fragmentCount = intro[74]
    }

    func sealed(to logPublic: borrowing SecretKey, ephemeral: borrowing SecretKey) -> [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.integer(Self.version)
        writer.append(snapshot.bytes)
        writer.append(prefix)
        writer.append(password)
        writer.integer(fragmentCount)
        var sealed = [UInt8](repeating: 0, count: Self.sealedByteCount)
        let intro = writer.bytes
        sealed.withUnsafeMutableBytes { sealed in
            intro.withUnsafeBytes { Sodium.seal($0, to: logPublic, ephemeral: ephemeral, into: sealed) }
        }
        return sealed
    }

    /// The key of the fragments, from the password and the prefix.
    func fragmentKey() throws(FormatError) -> SecretKey {
        try Sodium.argon2id(password: password, salt: prefix)
    }

    /// 23 zero bytes and the index.
    static func nonce(_ index: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: Sodium.secretBoxNonceByteCount - 1) + [UInt8(index)]
    }
}
