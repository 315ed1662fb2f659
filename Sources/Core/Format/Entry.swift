/// Tells what an entry stands for.
///
/// - Source: rekkord-format(5), "DIRECTORIES".
public enum EntryKind: Int8, Sendable, CaseIterable {
    /// A special file: device, pipe or socket.
    case unknown = -1
    case directory = 0
    case file = 1
    case link = 2

    /// The catalog of the blob with the content, which is not stored in the entry.
    public var catalog: ObjectID.Catalog { self == .directory ? .metadata : .raw }
}

/// Tells what is known of an entry.
///
/// - Source: rekkord-format(5), "DIRECTORIES".
public struct EntryFlags: OptionSet, Hashable, Sendable {
    /// The stored byte, unknown bits included.
    public let rawValue: UInt8

    /// Takes the stored byte.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The attributes were read when it was saved; without it the kind means nothing either.
    public static let stated = EntryFlags(rawValue: 1)
    /// The content was stored: the only sign that the hash may be followed.
    public static let readable = EntryFlags(rawValue: 2)
    /// The access time was stored.
    public static let accessTime = EntryFlags(rawValue: 4)
}

/// Holds what has a fixed size in an entry: everything but the name and the extended attributes.
///
/// - Source: rekkord-format(5), "DIRECTORIES".
public struct EntryAttributes: Hashable, Sendable {
    /// The blob with the content; zero when nothing was stored.
    public var hash: Hash32
    /// What is known of the entry.
    public var flags: EntryFlags
    /// What the entry stands for, if it was stat'ed.
    public var kind: EntryKind
    /// When the content changed last.
    public var mtime: Timestamp
    /// When the attributes changed last.
    public var ctime: Timestamp
    /// Meaningful only with `.accessTime`.
    public var atime: Timestamp
    /// The birth time; equal to `mtime` where the system knew none.
    public var btime: Timestamp
    /// The owner.
    public var uid: UInt32
    /// The group.
    public var gid: UInt32
    /// The twelve permission bits.
    public var mode: UInt32
    /// What the writer counted, never to be trusted; it can be negative.
    ///
    /// File: bytes when it was stat'ed, which the content may contradict. Folder: its *immediate* subfolders.
    /// Others: 0.
    public var size: Int64

    /// Joins the fields; `mode` is masked to the permission bits.
    public init(
        hash: Hash32,
        flags: EntryFlags,
        kind: EntryKind,
        mtime: Timestamp,
        ctime: Timestamp,
        atime: Timestamp,
        btime: Timestamp,
        uid: UInt32,
        gid: UInt32,
        mode: UInt32,
        size: Int64
    ) {
        self.hash = hash
        self.flags = flags
        self.kind = kind
        self.mtime = mtime
        self.ctime = ctime
        self.atime = atime
        self.btime = btime
        self.uid = uid
        self.gid = gid
        self.mode = mode & 0o7777
        self.size = size
    }

    /// What a user calls it.
    public var noun: String {
        guard flags.contains(.stated) else { return "entry that could not be opened when it was saved" }
        return switch kind {
        case .unknown: "special file"
        case .directory: "folder"
        case .file: "file"
        case .link: "link"
        }
    }

    /// Whether it stands for a folder; the kind alone means nothing when the entry was never stat'ed.
    public var isFolder: Bool { kind == .directory && flags.contains(.stated) }

    /// Where the content is; nil when nothing was stored.
    public var objectID: ObjectID? {
        flags.contains(.readable) ? ObjectID(kind.catalog, hash) : nil
    }
}

/// Holds one decoded entry of a folder or snapshot.
///
/// The fields of `attributes` can be used as if they were the entry's own: `entry.mtime`.
@dynamicMemberLookup
public struct Entry: Hashable, Sendable {
    /// Everything of fixed size.
    public var attributes: EntryAttributes
    /// In a folder the bytes of an `EntryName`, in a snapshot those of a `RootPath`.
    public var name: [UInt8]
    /// Encoded extended attributes, not yet checked; see `ExtendedAttributes`.
    public var extended: [UInt8]

    /// Joins attributes, name and extended attributes.
    public init(_ attributes: EntryAttributes, name: [UInt8], extended: [UInt8] = []) {
        self.attributes = attributes
        self.name = name
        self.extended = extended
    }

    /// Reaches through to a field of `attributes`.
    public subscript<Value>(dynamicMember path: WritableKeyPath<EntryAttributes, Value>) -> Value {
        get { attributes[keyPath: path] }
        set { attributes[keyPath: path] = newValue }
    }

    /// The blob with the content; spelled out because `hash(into:)` would be found before the field.
    public var hash: Hash32 { attributes.hash }

    /// Where the content is; nil when nothing was stored.
    public var objectID: ObjectID? { attributes.objectID }

    /// How many bytes `encode` appends.
    public var encodedByteCount: Int { StoredEntry.fixedByteCount + name.count + extended.count }

    /// Appends the 90 bytes of fixed size, the name and the extended attributes.
    ///
    /// Name and extended attributes must each be shorter than 65,536 bytes.
    public func encode(into writer: inout ByteWriter) {
        name.withRawBytes { name in
            extended.withRawBytes { attributes.encode(name: name, extended: $0, into: &writer) }
        }
    }
}

extension EntryAttributes {
    /// Appends an entry with these attributes; name and extended attributes must each be shorter than 65,536 bytes.
    func encode(
        name: UnsafeRawBufferPointer,
        extended: UnsafeRawBufferPointer,
        into writer: inout ByteWriter
    ) {
        precondition(name.count <= UInt16.max && extended.count <= UInt16.max)
        writer.hash(hash)
        writer.integer(flags.rawValue)
        writer.integer(kind.rawValue)
        writer.integer(UInt16(name.count))
        writer.integer(UInt16(extended.count))
        writer.integer(mtime.milliseconds)
        writer.integer(ctime.milliseconds)
        writer.integer(flags.contains(.accessTime) ? atime.milliseconds : 0)
        writer.integer(btime.milliseconds)
        writer.integer(uid)
        writer.integer(gid)
        writer.integer(mode & 0o7777)
        writer.integer(size)
        writer.append(name)
        writer.append(extended)
    }
}
