/// What a mount tells of an entry.
///
/// - Source: rekkord(1), "mount".
public struct NodeAttributes: Hashable, Sendable {
    /// What the entry is; special files are not shown.
    public enum Kind: Sendable {
        case file, folder, link
    }

    /// `st_ino`.
    public var inode: UInt64
    /// The type.
    public var kind: Kind
    /// Twelve bits.
    public var permissions: UInt32
    /// The owner.
    public var uid: UInt32
    /// The group.
    public var gid: UInt32
    /// Bytes; 0 for folders.
    public var size: UInt64
    /// Folders: two more than their subfolders.
    public var links: UInt32
    /// When it was read last.
    public var access: Timestamp
    /// When the content changed last.
    public var modification: Timestamp
    /// When the attributes changed last.
    public var change: Timestamp

    /// `st_blocks`: units of 512 bytes.
    public var blocks: UInt64 { size / 512 + (size % 512 == 0 ? 0 : 1) }
}

/// What a lookup or a listing tells of an entry.
public struct ShownNode: Sendable {
    /// How to ask for it; `.none` when the kernel shall ask again by name.
    public var node: NodeNumber
    /// What it is.
    public var attributes: NodeAttributes
    /// How long the name may be believed.
    public var nameSeconds: Double
    /// How long the attributes may be believed.
    public var attributeSeconds: Double
}
