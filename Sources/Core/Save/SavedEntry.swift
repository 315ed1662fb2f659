/// One entry of a folder or snapshot while it is being saved.
struct SavedEntry: Sendable {
    /// Its name; of a snapshot's root the path without the leading `/`.
    let name: [UInt8]
    /// What the kernel told; nil when it refused.
    var status: FileStatus?
    var kind: EntryKind
    var flags: EntryFlags = []
    var extended: [UInt8] = []
    /// The blob with the content; zero until it is known, and when there is none.
    var hash = Hash32.zero
    /// What the entry's `size` field shows: bytes of a file, subfolders of a folder.
    var size: Int64 = 0
    /// What is below, the entry itself included.
    var totals = SaveTotals()
    /// The blob that the folder's stored object has for this entry, if nothing else of the entry changed.
    var rememberedHash: Hash32?
    /// Whether the kernel will tell when it changes; if not it must be read again next time.
    var isReliable = false
    /// The path that the user named, if this entry is one.
    var operand: SaveOperand?
    /// Whether it vanished, and is stored nowhere.
    var isLeftOut = false

    /// An entry that the kernel tells nothing about.
    init(unknown name: [UInt8]) {
        self.name = name
        kind = .directory
        totals.entries = 0
    }

    init(_ name: [UInt8], _ status: FileStatus, storesAccessTime: Bool) {
        self.name = name
        self.status = status
        kind =
            switch status.type {
            case .regular: .file
            case .directory: .directory
            case .symbolicLink: .link
            case .special: .unknown
            }
        flags = storesAccessTime ? [.stated, .accessTime] : .stated
        size = kind == .file ? Int64(clamping: status.size) : 0
        totals.entries = kind == .unknown ? 0 : 1
    }

    /// Notes where the content is stored.
    mutating func setContent(_ hash: Hash32, stored: Int64) {
        self.hash = hash
        flags.insert(.readable)
        totals.stored += stored
    }

    /// The access time if it is stored.
    var access: Timestamp {
        guard let status, flags.contains(.accessTime) else { return Timestamp(milliseconds: 0) }
        return status.access.timestamp
    }

    /// The form that a folder's object holds.
    var encoded: Entry {
        let zero = FileStatus.Time(seconds: 0, nanoseconds: 0)
        let modification = status?.modification ?? zero
        return Entry(
            EntryAttributes(
                hash: hash,
                flags: flags,
                kind: kind,
                mtime: modification.timestamp,
                ctime: (status?.change ?? zero).timestamp,
                atime: access,
                btime: (status?.birth ?? modification).timestamp,
                uid: status?.uid ?? 0,
                gid: status?.gid ?? 0,
                mode: status?.permissions ?? 0,
                size: size
            ),
            name: name,
            extended: extended
        )
    }

    /// The form that the cache remembers; nil when the entry must be read again next time.
    var remembered: FolderRecord.Entry? {
        guard let status, isReliable, flags.contains(.readable) || kind == .unknown else { return nil }
        return FolderRecord.Entry(
            kind: kind,
            flags: flags,
            modification: status.modification,
            change: status.change,
            inode: status.inode,
            mode: status.mode,
            size: status.size,
            access: access,
            hash: hash,
            stored: totals.stored,
            extended: extended
        )
    }
}

/// Sums over a part of the tree.
struct SaveTotals: Sendable {
    /// The bytes of files that were read.
    var size: Int64 = 0
    /// The files, links and folders.
    var entries: Int64 = 0
    /// The encrypted bytes of all blobs, each counted as often as it is referred to.
    var stored: Int64 = 0

    static func += (a: inout SaveTotals, b: SaveTotals) {
        a.size &+= b.size
        a.entries &+= b.entries
        a.stored &+= b.stored
    }
}

/// When a status can be trusted to tell about later changes.
enum StatusReliability {
    /// A change right after another can bear the same time; kernels and servers round to as much as this.
    private static let seconds: Int64 = 2

    /// Whether a change after `now` is sure to show in the status.
    static func isReliable(_ status: FileStatus, at now: FileStatus.Time) -> Bool {
        let limit = now.seconds - seconds
        return status.change.seconds < limit
            || status.change.seconds == limit && status.change.nanoseconds <= now.nanoseconds
    }
}
