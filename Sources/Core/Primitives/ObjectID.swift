/// Names a blob: its catalog and the keyed hash of its plaintext.
///
/// Text form, 65 characters: `M` or `R`, then 64 hexadecimal digits, upper case when printed.
/// - Source: rekkord-format(5), "Object IDs".
public struct ObjectID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The two folders of blobs.
    public enum Catalog: UInt8, Sendable {
        /// Directory and snapshot blobs; letter `M`.
        case metadata = 0
        /// Chunk, file and link blobs; letter `R`.
        case raw = 1

        /// The letter of the catalog in names.
        public var letter: Character { self == .metadata ? "M" : "R" }
    }

    /// The number of characters of the text form.
    public static let textLength = 65
    /// The number of bytes of the binary form: catalog, hash.
    public static let byteCount = 33

    /// Where the blob is stored.
    public let catalog: Catalog
    /// The keyed BLAKE3 of the plaintext.
    public let hash: Hash32

    /// Joins a catalog and a hash.
    public init(_ catalog: Catalog, _ hash: Hash32) {
        self.catalog = catalog
        self.hash = hash
    }

    /// Parses the text form, digits of either case; nil for anything else, which is then a channel name.
    public init?(text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count == Self.textLength else { return nil }
        switch characters[0] {
        case UInt8(ascii: "M"): catalog = .metadata
        case UInt8(ascii: "R"): catalog = .raw
        default: return nil
        }
        guard let bytes = Hexadecimal.decode(characters[1...]), let hash = Hash32(bytes) else { return nil }
        self.hash = hash
    }

    /// The text form.
    public var description: String { String(catalog.letter) + Hexadecimal.encode(hash.bytes) }

    /// The binary form, 33 bytes.
    public var bytes: [UInt8] { [catalog.rawValue] + hash.bytes }

    /// Equal hashes with different catalogs hardly ever meet.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(hash)
    }

    /// Orders by catalog, then by bytes.
    public static func < (a: ObjectID, b: ObjectID) -> Bool {
        (a.catalog.rawValue, a.hash) < (b.catalog.rawValue, b.hash)
    }
}
