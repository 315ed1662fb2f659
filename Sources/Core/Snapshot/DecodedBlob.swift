/// Holds a verified blob in the form in which a mount uses it.
public enum DecodedBlob: Sendable {
    /// A piece of a file, or a whole one.
    case chunk(ByteBuffer)
    /// The chunks of a file.
    case table(FileTable)
    /// The target of a link.
    case link([UInt8])
    /// The entries of a folder.
    case folder(DirectoryBlob)
    /// A snapshot and the tree of its saved paths.
    case snapshot(SnapshotBlob, RootTree)

    /// Decodes by type.
    ///
    /// - Parameter owner: To whom folders that were not saved themselves belong.
    public init(_ blob: Blob, owner: Owner) throws(FormatError) {
        switch blob.type {
        case .chunk: self = .chunk(blob.bytes)
        case .file: self = .table(try FileTable(blob.bytes))
        case .link: self = .link(blob.bytes.array)
        case .directory1, .directory2, .directory3, .directory: self = .folder(try DirectoryBlob(blob))
        case .snapshot1, .snapshot2, .snapshot3, .snapshot4, .snapshot5, .snapshot:
            let snapshot = try SnapshotBlob(blob)
            self = .snapshot(snapshot, RootTree(snapshot, uid: owner.uid, gid: owner.gid))
        }
    }

    /// What a blob in memory takes beside its own: its places in the tables of a cache, and what the allocator rounds up.
    private static let overheadByteCount = 352

    /// The memory that it occupies in a cache.
    public var memoryByteCount: Int {
        switch self {
        case .chunk(let bytes): bytes.allocatedByteCount + Self.overheadByteCount
        case .table(let table): table.memoryByteCount + Self.overheadByteCount
        case .link(let target): target.count + Self.overheadByteCount
        case .folder(let folder): folder.memoryByteCount + Self.overheadByteCount
        case .snapshot(let snapshot, let tree):
            snapshot.roots.reduce(1024 + tree.memoryByteCount) {
                $0 + $1.encodedByteCount + MemoryLayout<Entry>.stride
            }
        }
    }
}

/// A user and a group.
public struct Owner: Hashable, Sendable {
    /// The user.
    public var uid: UInt32
    /// The group.
    public var gid: UInt32

    /// Joins both.
    public init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}
