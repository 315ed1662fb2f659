/// Says how a mount shows what was saved.
public struct MountSettings: Sendable {
    /// To whom everything seems to belong; nil for the owners that were saved.
    public var owner: Owner?
    /// To whom folders belong that were not saved themselves.
    public var mounter: Owner
    /// How long the kernel may believe what never changes; 0 when each request is to be checked by its user.
    public var immutableSeconds: Double
    /// The most that is fetched ahead for one reader, in bytes.
    public var readAheadByteCount: Int
    /// How many loads run at once.
    public var connectionCount = 16
    /// How often the tags of a whole repository are listed again, in seconds; nil for never.
    public var refreshSeconds: Int64?

    /// Thirty years, which to the kernel is for ever.
    public static let forever: Double = 1e9

    /// Shows everything as it was saved.
    public init(
        owner: Owner? = nil,
        mounter: Owner,
        immutableSeconds: Double = forever,
        readAheadByteCount: Int = 64_000_000
    ) {
        self.owner = owner
        self.mounter = mounter
        self.immutableSeconds = immutableSeconds
        self.readAheadByteCount = readAheadByteCount
    }
}

/// What is mounted: a snapshot, a folder, or all snapshots.
public struct MountRoot: Sendable {
    let source: FolderSource
    let inodes: InodeHash
    /// Attributes of the root itself; the kind is a folder's.
    let attributes: EntryAttributes
    let extended: [UInt8]
    /// How many folders it shows.
    let folderCount: Int
    /// The blob whose id `user.rekkord.oid` tells.
    let id: ObjectID?
    /// All that is shown below, for `statfs`.
    let totals: (size: Int64, entries: Int64)
    let channel: [UInt8]?
    let time: Timestamp?

    /// A whole snapshot; its root has the time of the snapshot and belongs to whoever mounts it.
    public init(_ snapshot: SnapshotResolver.Snapshot) {
        source = .snapshot(snapshot.id)
        folderCount = snapshot.tree.top.folderCount
        inodes = Self.inodes(snapshot.id, "snapshot")
        attributes = snapshot.tree.topAttributes
        extended = []
        id = snapshot.id
        totals = (snapshot.blob.totalSize, snapshot.blob.totalEntries)
        channel = snapshot.blob.channel
        time = snapshot.blob.time
    }

    /// A folder: with the attributes of its entry when it was reached by a path, else mode 0755 and time 0.
    public init(_ folder: SnapshotResolver.Folder, mounter: Owner, _ reader: SnapshotReader) {
        let item = folder.item
        folderCount = folder.view.folderCount
        if let overlay = item?.overlay {
            source = .overlaid(OverlaidFolder(base: folder.id, overlay))
        } else if let id = folder.id {
            source = .stored(id)
        } else {
            source = .unreadable
        }
        inodes = Self.inodes(folder.id ?? ObjectID(.metadata, .zero), "folder")
        var attributes =
            item?.entry.attributes
            ?? .syntheticFolder(time: Timestamp(milliseconds: 0), uid: mounter.uid, gid: mounter.gid)
        attributes.size = Int64(folder.view.folderCount)
        self.attributes = attributes
        extended = item?.entry.extended ?? []
        id = folder.id
        totals = reader.totals(of: folder.view)
        channel = nil
        time = nil
    }

    /// The whole repository: its channels and snapshots.
    public init(repositoryID: [UInt8], mounter: Owner) {
        source = .live(.top)
        folderCount = 2
        var hash = InodeHash()
        hash.combine("repository".utf8)
        hash.combine(repositoryID)
        inodes = hash
        attributes = .syntheticFolder(time: Timestamp(milliseconds: 0), uid: mounter.uid, gid: mounter.gid)
        extended = []
        id = nil
        totals = (0, 0)
        channel = nil
        time = nil
    }

    private static func inodes(_ id: ObjectID, _ view: String) -> InodeHash {
        var hash = InodeHash()
        hash.combine(view.utf8)
        hash.combine(id.bytes)
        return hash
    }
}
