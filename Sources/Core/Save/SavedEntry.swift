/// One entry of a folder or snapshot while it is being saved, without its name and extended attributes.
///
/// Has a fixed size and holds nothing outside of itself: a folder can have millions of them.
struct SavedEntry: Sendable {
    let kind: EntryKind
    private(set) var flags: EntryFlags = []
    /// Whether the kernel will tell when it changes; if not it must be read again next time.
    var isReliable = false
    /// Whether it vanished, and is stored nowhere.
    var isLeftOut = false

    private enum Content: UInt8 {
        /// There is none, or it is not known yet.
        case absent
        /// Not known yet; `hash` is what the folder's stored object has for this entry.
        case expected
        /// The blob `hash`, which the folder's stored object does not have for this entry.
        case changed
        /// The blob `hash`, as in the folder's stored object.
        case unchanged
    }

    private var content = Content.absent
    private var hash = Hash32.zero
    private var modification = FileStatus.Time(seconds: 0, nanoseconds: 0)
    /// Type and permission bits.
    private var mode: UInt32 = 0
    private var change = FileStatus.Time(seconds: 0, nanoseconds: 0)
    private var uid: UInt32 = 0
    private var access = Timestamp(milliseconds: 0)
    private var birth = Timestamp(milliseconds: 0)
    private var inode: UInt64 = 0
    /// What the kernel tells.
    private var statusSize: UInt64 = 0
    /// What the entry's `size` field shows: bytes of a file, subfolders of a folder.
    var size: Int64 = 0
    /// The encrypted bytes of a file's blobs, or of the folder's own.
    private(set) var stored: Int64 = 0
    private var gid: UInt32 = 0

    /// An entry that the kernel tells nothing about.
    static let unknown = SavedEntry(kind: .directory)

    private init(kind: EntryKind) {
        self.kind = kind
    }

    init(_ status: FileStatus, storesAccessTime: Bool) {
        kind =
            switch status.type {
            case .regular: .file
            case .directory: .directory
            case .symbolicLink: .link
            case .special: .unknown
            }
        flags = storesAccessTime ? [.stated, .accessTime] : .stated
        setStatus(status)
        size = kind == .file ? Int64(clamping: status.size) : 0
    }

    /// Takes what the kernel tells; a file of another kind is another entry.
    mutating func setStatus(_ status: FileStatus) {
        modification = status.modification
        change = status.change
        // Zero unless it is stored, so that it makes no difference.
        if flags.contains(.accessTime) { access = status.access.timestamp }
        birth = (status.birth ?? status.modification).timestamp
        mode = status.mode
        uid = status.uid
        gid = status.gid
        inode = status.inode
        statusSize = status.size
    }

    // MARK: - Content

    /// Notes what the folder's stored object has for this entry, whose other attributes it shows as they are.
    mutating func expect(_ remembered: FolderRecord.Entry) {
        guard remembered.access == access else { return }
        content = .expected
        hash = remembered.hash
    }

    /// Notes that the folder's stored object shows other attributes.
    mutating func expectNothing() {
        content = .absent
    }

    /// Notes where the content is stored; without `isReadable` it is a stand-in for content that is not.
    mutating func setContent(_ hash: Hash32, stored: Int64, isReadable: Bool = true) {
        content = content == .expected && self.hash == hash ? .unchanged : .changed
        self.hash = hash
        if isReadable { flags.insert(.readable) }
        self.stored = stored
    }

    /// The blob with the content; zero until it is known, and when there is none.
    private var contentHash: Hash32 {
        switch content {
        case .absent, .expected: .zero
        case .changed, .unchanged: hash
        }
    }

    /// Whether the folder's stored object shows this entry as it is now.
    var isUnchanged: Bool {
        switch content {
        case .absent, .changed: false
        case .expected: hash == .zero
        case .unchanged: true
        }
    }

    /// The entry itself as a part of sums; what is in a folder comes on top.
    var totals: SaveTotals {
        SaveTotals(
            size: kind == .file && flags.contains(.readable) ? size : 0,
            entries: flags.contains(.stated) && kind != .unknown ? 1 : 0,
            stored: stored
        )
    }

    // MARK: - Other forms

    /// The form that a folder's object holds.
    var attributes: EntryAttributes {
        EntryAttributes(
            hash: contentHash,
            flags: flags,
            kind: kind,
            mtime: modification.timestamp,
            ctime: change.timestamp,
            atime: access,
            btime: birth,
            uid: uid,
            gid: gid,
            mode: mode,
            size: size
        )
    }

    /// Whether the cache can remember it; if not, it must be read again next time.
    var isRemembered: Bool {
        isReliable && flags.contains(.stated) && (flags.contains(.readable) || kind == .unknown)
    }

    /// The form that the cache remembers.
    var remembered: FolderRecord.Entry {
        FolderRecord.Entry(
            kind: kind,
            flags: flags,
            modification: modification,
            change: change,
            inode: inode,
            mode: mode,
            size: statusSize,
            access: access,
            hash: contentHash,
            stored: stored,
            extended: []
        )
    }
}
