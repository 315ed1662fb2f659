/// Takes apart the name of a main tag, which is all that the object consists of.
///
/// `tags/M/<key id>/<base64 of sealed intro 123 | signature 64>`
/// - Source: rekkord-format(5), "TAGS".
struct MainTagName {
    private static let signatureByteCount = 64

    /// The author, by the word of whoever stored the tag.
    let keyID: KeyID
    let sealed: [UInt8]
    let signature: [UInt8]

    init(_ name: String) throws(FormatError) {
        let parts = name.utf8.dropFirst(TagNames.mainFolder.utf8.count).split(
            separator: UInt8(ascii: "/"),
            omittingEmptySubsequences: false
        )
        guard parts.count == 2, let keyID = KeyID(text: String(Substring(parts[0]))),
            let blob = Sodium.decodeBase64(parts[1], .url)
        else { throw FormatError("malformed tag name", .tag) }
        guard blob.count == TagIntro.sealedByteCount + Self.signatureByteCount else {
            throw FormatError("tag of wrong length", .tag)
        }
        self.keyID = keyID
        sealed = Array(blob[..<TagIntro.sealedByteCount])
        signature = Array(blob[TagIntro.sealedByteCount...])
    }

    /// The author that a good name tells, without a look at the rest.
    static func keyID(of name: String) throws(FormatError) -> KeyID {
        let text = name.utf8.dropFirst(TagNames.mainFolder.utf8.count).prefix(2 * KeyID.byteCount)
        guard let keyID = KeyID(text: String(Substring(text))) else {
            throw FormatError("malformed tag name", .tag)
        }
        return keyID
    }

    /// The part of a good name that encodes the sealed bytes and nothing else: three bytes are four characters.
    static func sealedText(of name: String) -> Substring {
        let start = TagNames.mainFolder.utf8.count + 2 * KeyID.byteCount + 1
        return Substring(name.utf8.dropFirst(start).prefix(TagIntro.sealedByteCount / 3 * 4))
    }
}
