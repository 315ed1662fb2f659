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
        var sealed: [UInt8] { name.sealed }
        /// The signature over the sealed bytes.
        var signature: [UInt8] { name.signature }

        private var name: MainTagName {
            guard let name = try? MainTagName(objectName) else { fatalError("a tag lost its name") }
            return name
        }
    }

    /// A tag that cannot be used, and why.
    struct Refused: Sendable {
        let objectName: String
        let error: FormatError

        var reason: String { error.reason }
    }

    private(set) var tags: [Parsed] = []
    private(set) var refused: [Refused] = []

    /// Decodes all main tags among `names`, using the fragments among them.
    ///
    /// - Parameters:
    ///   - keys: a set with Log.
    ///   - known: Tags that decoded before, by their names. A name says all there is to a tag, so none of them is
    ///     decoded again as long as it is listed with its fragments.
    ///   - keepsCopies: Whether to tell of each main tag with one sealed part, for somebody who checks signatures.
    init(names: [String], keys: KeySet, known: [String: Parsed] = [:], keepsCopies: Bool = false) {
        var mains: [String] = []
        var fragments: [Substring: [String]] = [:]
        for name in names {
            if name.hasPrefix(TagNames.mainFolder) {
                mains.append(name)
            } else if name.hasPrefix(TagNames.fragmentFolder) {
                fragments[Self.prefix(of: name), default: []].append(name)
            }
        }
        mains.sort()
        let good = mains.map { Self.known($0, known, fragments) }
        let unknown = zip(mains, good).filter { $0.1 == nil }.map(\.0)
        // Opening a tag and checking its signature takes long beside all else, and there may be thousands.
        let outcomes = unknown.parallelMap { [fragments] (name) -> Outcome in
            do throws(FormatError) {
                return .parsed(try Self.parse(name, fragments, keys))
            } catch {
                return .refused(Refused(objectName: name, error: error))
            }
        }
        var rest = outcomes[...]
        var seen: Set<Substring> = []
        for (name, good) in zip(mains, good) {
            let tag: Parsed
            if let good {
                tag = good
            } else {
                switch rest.removeFirst() {
                case .parsed(let parsed): tag = parsed
                case .refused(let reason):
                    refused.append(reason)
                    continue
                }
            }
            if keepsCopies || seen.insert(MainTagName.sealedText(of: name)).inserted { tags.append(tag) }
        }
    }

    private enum Outcome: Sendable {
        case parsed(Parsed)
        case refused(Refused)
    }

    private static func known(
        _ name: String,
        _ known: [String: Parsed],
        _ fragments: [Substring: [String]]
    ) -> Parsed? {
        guard let tag = known[name] else { return nil }
        let isWhole = tag.fragmentNames.allSatisfy { fragments[prefix(of: $0)]?.contains($0) ?? false }
        return isWhole ? tag : nil
    }

    /// What the names of all fragments of one tag start with.
    private static func prefix(of fragment: String) -> Substring {
        let rest = fragment.utf8.dropFirst(TagNames.fragmentFolder.utf8.count)
        return Substring(rest.prefix { $0 != UInt8(ascii: "_") })
    }

    private static func parse(
        _ name: String,
        _ fragments: [Substring: [String]],
        _ keys: KeySet
    ) throws(FormatError) -> Parsed {
        let main = try MainTagName(name)
        if main.keyID == .master, !isSigned(main.sealed, main.signature, by: keys.masterPublic) {
            throw FormatError("wrong signature", .signature)
        }
        let intro = try open(main.sealed, keys)
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
            keyID: main.keyID,
            objectName: name,
            fragmentNames: used
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
