/// Holds a POSIX access control list and translates between its two forms.
///
/// Stored is text, one entry per line: `user::rwx`, `user:1000:r-x`, `group::r--`, `mask::rwx`, `other::---`.
/// Linux has a binary form: version 2 (u32), then records of tag (u16), permissions (u16) and id (u32).
/// - Source: rekkord-format(5), "Extended attributes". C: `struct posix_acl_xattr_entry`.
public struct AccessControlList: Hashable, Sendable {
    /// Whom a record is about; the raw values are those of the binary form, in the order the kernel demands.
    public enum Tag: UInt16, Sendable, CaseIterable {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case other = 0x20

        /// Whether records of this kind name a user or group by number.
        public var isNamed: Bool { self == .user || self == .group }

        fileprivate var word: String {
            switch self {
            case .owner, .user: "user"
            case .owningGroup, .group: "group"
            case .mask: "mask"
            case .other: "other"
            }
        }
    }

    /// One entry of the list.
    public struct Record: Hashable, Sendable {
        /// Whom it is about.
        public var tag: Tag
        /// 4 read, 2 write, 1 execute.
        public var permissions: UInt16
        /// The user or group; 0 where the tag names none.
        public var id: UInt32

        /// Joins the fields.
        public init(_ tag: Tag, _ permissions: UInt16, id: UInt32 = 0) {
            self.tag = tag
            self.permissions = permissions & 7
            self.id = tag.isNamed ? id : 0
        }
    }

    /// The stored key of the access list.
    public static let accessKey = Array("rk.acl1".utf8)
    /// The stored key of the default list of a folder.
    public static let defaultKey = Array("rk.acl1d".utf8)
    /// The attribute of Linux for the access list.
    public static let accessAttribute = Array("system.posix_acl_access".utf8)
    /// The attribute of Linux for the default list.
    public static let defaultAttribute = Array("system.posix_acl_default".utf8)

    private static let version: UInt32 = 2
    // C: `ACL_UNDEFINED_ID`, where a record names nobody.
    private static let undefinedID = UInt32.max

    /// The entries in their order.
    public var records: [Record]

    /// Reads the binary form; records with an unknown tag are left out.
    ///
    /// - Throws: When the version is not 2 or the length is no whole number of records.
    public init(binary bytes: [UInt8]) throws(FormatError) {
        records = try bytes.withRawBytes { (bytes) throws(FormatError) in
            var reader = ByteReader(bytes)
            guard bytes.count % 8 == 4, try reader.integer(UInt32.self) == Self.version else {
                throw FormatError("malformed access control list")
            }
            var records: [Record] = []
            while reader.remaining > 0 {
                let tag = Tag(rawValue: try reader.integer())
                let permissions = try reader.integer(UInt16.self)
                let id = try reader.integer(UInt32.self)
                if let tag { records.append(Record(tag, permissions, id: id)) }
            }
            return records
        }
    }

    /// Reads the text form.
    ///
    /// Blanks around fields, empty lines and lines that start with `#` are skipped; tags may be abbreviated.
    /// - Throws: `malformed access control list` for any other line.
    public init(text: [UInt8]) throws(FormatError) {
        records = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let line = Self.trim(line)
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            records.append(try Self.record(line))
        }
    }

    /// The text form, without a line end after the last line; empty for an empty list.
    public var text: [UInt8] {
        let lines = records.map { record in
            let id = record.tag.isNamed ? String(record.id) : ""
            let letters = [(4, "r"), (2, "w"), (1, "x")].map { record.permissions & $0 != 0 ? $1 : "-" }
            return "\(record.tag.word):\(id):\(letters.joined())"
        }
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// The binary form, the records in the order of tags, as the kernel demands; equal tags keep their order.
    public var binary: [UInt8] {
        var writer = ByteWriter(capacity: 4 + 8 * records.count)
        writer.integer(Self.version)
        for tag in Tag.allCases {
            for record in records where record.tag == tag {
                writer.integer(record.tag.rawValue)
                writer.integer(record.permissions)
                writer.integer(record.tag.isNamed ? record.id : Self.undefinedID)
            }
        }
        return writer.bytes
    }

    /// Translates what Linux holds into what is stored; an empty result is not to be stored.
    public static func text(fromBinary bytes: [UInt8]) throws(FormatError) -> [UInt8] {
        try AccessControlList(binary: bytes).text
    }

    /// Translates what is stored into what Linux holds.
    public static func binary(fromText text: [UInt8]) throws(FormatError) -> [UInt8] {
        try AccessControlList(text: text).binary
    }

    private static func record(_ line: ArraySlice<UInt8>) throws(FormatError) -> Record {
        let malformed = FormatError("malformed access control list")
        let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(trim)
        guard fields.count == 3, let permissions = permissions(fields[2]) else { throw malformed }
        var id: UInt32?
        if !fields[1].isEmpty {
            guard fields[1].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = UInt32(String(decoding: fields[1], as: UTF8.self))
            else { throw malformed }
            id = number
        }
        let word = String(decoding: fields[0], as: UTF8.self)
        guard !word.isEmpty else { throw malformed }
        if "user".hasPrefix(word) { return Record(id == nil ? .owner : .user, permissions, id: id ?? 0) }
        if "group".hasPrefix(word) {
            return Record(id == nil ? .owningGroup : .group, permissions, id: id ?? 0)
        }
        guard id == nil else { throw malformed }
        if "mask".hasPrefix(word) { return Record(.mask, permissions) }
        if "other".hasPrefix(word) { return Record(.other, permissions) }
        throw malformed
    }

    private static func permissions(_ field: ArraySlice<UInt8>) -> UInt16? {
        guard (1...3).contains(field.count) else { return nil }
        var permissions: UInt16 = 0
        for letter in field {
            switch letter {
            case UInt8(ascii: "r"): permissions |= 4
            case UInt8(ascii: "w"): permissions |= 2
            case UInt8(ascii: "x"): permissions |= 1
            case UInt8(ascii: "-"): break
            default: return nil
            }
        }
        return permissions
    }

    private static func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || (9...13).contains(byte) }
        let start = bytes.drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return [] }
        return start[...last]
    }
}
