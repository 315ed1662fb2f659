/// The names of stored objects.
///
/// - Source: rekkord-format(5), "OBJECTS".
public enum ObjectNames {
    /// The config object.
    public static let config = "rekkord"
    /// The probe for conditional writes.
    public static let conditionalWrite = ReservedName.conditionalWriteProbe
    /// All tags stand below it.
    public static let tags = "tags/"
    /// All blobs stand below it.
    public static let blobs = "blobs/"

    static func badge(of id: KeyID) -> String { "keys/\(id)" }

    /// The blob that an object name stands for; nil for any other name.
    public static func blob(named name: some StringProtocol) -> ObjectID? {
        guard name.utf8.count == blobNameLength, name.hasPrefix(blobs) else { return nil }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let id = ObjectID(text: String(parts[1]) + String(parts[3])),
            id.objectName == name
        else {
            return nil
        }
        return id
    }

    private static let blobNameLength = "blobs/M/00/".utf8.count + 2 * Hash32.byteCount
}

extension ObjectID {
    /// Where the blob is stored: `blobs/R/38/3818…`.
    public var objectName: String {
        let digits = Hexadecimal.encode(hash.bytes)
        return "\(ObjectNames.blobs)\(catalog.letter)/\(digits.prefix(2))/\(digits)"
    }
}
