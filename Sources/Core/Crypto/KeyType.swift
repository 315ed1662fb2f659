/// The four kinds of keys and what each may do.
///
/// - Source: rekkord-format(5), "KEYS".
public enum KeyType: UInt8, Sendable, CaseIterable {
    case master = 0
    case writeOnly = 1
    case readWrite = 2
    case logOnly = 3

    /// The name used in options and output.
    public var name: String {
        switch self {
        case .master: "Master"
        case .writeOnly: "WriteOnly"
        case .readWrite: "ReadWrite"
        case .logOnly: "LogOnly"
        }
    }

    /// May make repositories, cache ids and keys.
    public var canConfigure: Bool { self == .master }
    /// May read blobs.
    public var canRead: Bool { self == .master || self == .readWrite }
    /// May write blobs and tags.
    public var canWrite: Bool { self != .logOnly }
    /// May list tags.
    public var canLog: Bool { self != .writeOnly }
}

/// Names a key: 16 bytes, all zero for the master key.
public struct KeyID: Hashable, Sendable, CustomStringConvertible {
    /// The size of the value in bytes.
    public static let byteCount = 16
    /// The id of every master key.
    public static let master = KeyID(unchecked: [UInt8](repeating: 0, count: byteCount))

    /// The 16 bytes.
    public let bytes: [UInt8]

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Accepts exactly 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads 32 upper-case hexadecimal digits, as they stand in object names.
    public init?(text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(Array(text.utf8)), let id = KeyID(bytes) else { return nil }
        guard id.description == text else { return nil }
        self = id
    }

    /// 32 upper-case hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }
}
