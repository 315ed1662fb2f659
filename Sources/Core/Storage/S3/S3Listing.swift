/// Holds one page of a listing.
///
/// - Source: format.md, 12.4; S3 API, "ListObjectsV2".
struct S3Listing {
    struct Object: Equatable {
        /// The key without the prefix of the repository.
        let name: String
        let byteCount: Int
        let entityTag: String?
    }

    let objects: [Object]
    /// Whether there are more than these; always with `nextToken`, except where one key was asked for.
    let isTruncated: Bool
    let nextToken: String?

    /// Reads a page.
    ///
    /// - Parameter prefix: What stands before each name of the repository in its key; others are left out.
    init(_ bytes: UnsafeRawBufferPointer, prefix: String) throws(FormatError) {
        let root = try XMLReader.parse(bytes)
        guard root.name == "ListBucketResult" else { throw FormatError("not a listing") }
        let isEncoded = root.text(of: "EncodingType") == "url"
        var objects: [Object] = []
        for element in root.children where element.name == "Contents" {
            guard let key = element.text(of: "Key"), let size = element.text(of: "Size").flatMap({ Int($0) }),
                size >= 0
            else {
                throw FormatError("listing without keys or sizes")
            }
            guard let name = Self.name(key, prefix: prefix, isEncoded: isEncoded) else { continue }
            let tag = element.text(of: "ETag").map { ObjectState.unquoted($0) }
            objects.append(Object(name: name, byteCount: size, entityTag: tag))
        }
        self.objects = objects
        isTruncated = root.text(of: "IsTruncated") == "true"
        nextToken = root.text(of: "NextContinuationToken").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The name that a key stands for; nil for one outside the prefix, or one that is not text.
    ///
    /// Keys come percent-encoded, since XML cannot hold every character that a key can; some servers write blanks as `+`
    /// then, as in forms, others leave a real `+` alone. No name of ours has either, but a prefix may.
    static func name(_ key: String, prefix: String, isEncoded: Bool) -> String? {
        guard isEncoded else { return stripped(Array(key.utf8), of: prefix) }
        let asForm = String(key.map { $0 == "+" ? " " : $0 })
        for text in [asForm, key] {
            if let bytes = PercentEncoding.decode(text), let name = stripped(bytes, of: prefix) {
                return name
            }
        }
        return nil
    }

    private static func stripped(_ key: [UInt8], of prefix: String) -> String? {
        guard key.starts(with: prefix.utf8) else { return nil }
        return String(validating: key.dropFirst(prefix.utf8.count), as: UTF8.self)
    }
}
