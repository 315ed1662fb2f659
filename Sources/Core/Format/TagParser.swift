/// Reads tags from a listing of object names.
///
/// A malformed tag never stops the others: it is reported and left out.
/// - Source: rekkord-format(5), "TAGS".
struct TagParser {
    /// A tag that decoded, not yet checked against its author unless the master wrote it.
    struct Parsed: Sendable {
        let snapshot: ObjectID
        let payload: TagPayload
        let keyID: KeyID
        let objectName: String
        /// The fragments that were used, in order.
        let fragmentNames: [String]
        /// The sealed bytes, which name the tag: the key id in the path is outside the signature.
        let sealed: [UInt8]
        let signature: [UInt8]
    }

    /// A tag that cannot be used, and why.
    struct Refused: Sendable {
        let objectName: String
        let error: FormatError

        var reason: String { error.reason }
    }

    private static let signatureByteCount = 64

    private(set) var tags: [Parsed] = []
    private(set) var refused: [Refused] = []

    /// Decodes all main tags among `names`, using the fragments among them.
    ///
    /// - Parameters:
    ///   - keys: a set with Log.
    ///   - keepsCopies: Whether to tell of each main tag with one sealed part, for somebody who checks signatures.
    init(names: [String], keys: KeySet, keepsCopies: Bool = false) {
        var mains: [String] = []
        var fragments: [Substring: [String]] = [:]
        for name in names {
            if name.hasPrefix(TagNames.mainFolder) {
                mains.append(name)
            } else if name.hasPrefix(TagNames.fragmentFolder) {
                let rest = name.dropFirst(TagNames.fragmentFolder.count)
                fragments[rest.prefix(while: { $0 != "_" }), default: []].append(name)
            }
        }
        // Opening a tag and checking its signature takes long beside all else, and there may be thousands.
        let outcomes = mains.sorted().parallelMap { [fragments] (name) -> Outcome in
            do throws(FormatError) {
                return .parsed(try Self.parse(name, fragments, keys))
            } catch {
                return .refused(Refused(objectName: name, error: error))
            }
        }
        var seen: Set<[UInt8]> = []
        for outcome in outcomes {
            switch outcome {
            case .parsed(let tag):
                if keepsCopies || seen.insert(tag.sealed).inserted { tags.append(tag) }
            case .refused(let tag):
                refused.append(tag)
            }
        }
    }

    private enum Outcome: Sendable {
        case parsed(Parsed)
        case refused(Refused)
    }

    private static func parse(
        _ name: String,
        _ fragments: [Substring: [String]],
        _ keys: KeySet
    ) throws(FormatError) -> Parsed {
        let parts = name.utf8.dropFirst(TagNames.mainFolder.utf8.count).split(
            separator: UInt8(ascii: "/"),
            omittingEmptySubsequences: false
        )
        guard parts.count == 2, let keyID = KeyID(text: String(Substring(parts[0]))),
            let blob = Sodium.decodeBase64(parts[1], .url)
        else { throw FormatError("malformed tag name", .tag) }
        guard blob.count == TagIntro.sealedByteCount + signatureByteCount else {
            throw FormatError("tag of wrong length", .tag)
        }
        let sealed = Array(blob[..<TagIntro.sealedByteCount])
        let signature = Array(blob[TagIntro.sealedByteCount...])
        if keyID == .master, !isSigned(sealed, signature, by: keys.masterPublic) {
            throw FormatError("wrong signature", .signature)
        }
        let intro = try open(sealed, keys)
        let key = try intro.fragmentKey()
        let candidates = fragments[Substring(Hexadecimal.encode(intro.prefix))] ?? []
        var payload: [UInt8] = []
        var used: [String] = []
        for index in 0..<Int(intro.fragmentCount) {
            guard
                let (fragment, piece) = firstOpening(candidates, index: index, prefix: intro.prefix, key: key)
            else {
                throw FormatError("fragment \(index) is missing", .fragment)
            }
            payload += piece
            used.append(fragment)
        }
        return Parsed(
            snapshot: intro.snapshot,
            payload: try TagPayload(payload),
            keyID: keyID,
            objectName: name,
            fragmentNames: used,
            sealed: sealed,
            signature: signature
        )
    }

    private static func open(_ sealed: [UInt8], _ keys: KeySet) throws(FormatError) -> TagIntro {
        switch keys.logSecret {
        case .some(let secret):
            return try TagIntro(sealed: sealed, logPublic: keys.logPublic, logSecret: secret)
        case .none: throw FormatError("the key cannot open tags", .tag)
        }
    }

    /// Of several fragments with one index, any that opens is good: a planted one must not hide an honest tag.
    private static func firstOpening(
        _ candidates: [String],
        index: Int,
        prefix: [UInt8],
        key: borrowing SecretKey
    ) -> (name: String, piece: [UInt8])? {
        let start =
            TagNames.fragmentFolder + Hexadecimal.encode(prefix) + "_" + TagNames.twoDigits(index) + "_"
        for name in candidates.sorted() where name.hasPrefix(start) {
            let text = name.utf8.dropFirst(start.utf8.count)
            guard let box = Sodium.decodeBase64(text, .url) else { continue }
            if let piece = Sodium.openSecretBox(box, nonce: TagIntro.nonce(index), key: key) {
                return (name, piece)
            }
        }
        return nil
    }

    /// Whether `signature` is the one of `publicKey` over the sealed intro.
    static func isSigned(_ sealed: [UInt8], _ signature: [UInt8], by publicKey: borrowing SecretKey) -> Bool {
        sealed.withUnsafeBytes { sealed in
            signature.withUnsafeBytes { signature in
                publicKey.withBytes { Sodium.verify(signature, of: sealed, publicKey: $0) }
            }
        }
    }
}
