/// Tells where the entries of a folder come from.
enum FolderSource: Sendable {
    /// One stored folder as it is.
    case stored(ObjectID)
    /// Saved paths, laid over a stored folder if there is one.
    case overlaid(OverlaidFolder)
    /// The saved paths of a snapshot whose blob may not have been read yet.
    case snapshot(ObjectID)
    /// Nothing: it could not be read when it was saved.
    case unreadable
    /// The snapshots of a repository, which come and go.
    case live(LiveFolder)
    /// The versions of what was saved at a path.
    case history(HistoryFolder)
    /// What the mount tells of itself.
    case report

    /// The stored folder that is all there is to see; nil for every other kind.
    var storedAlone: ObjectID? {
        if case .stored(let id) = self { id } else { nil }
    }
}

/// A folder of the mount that was entered, unique for its path.
///
/// Its slot numbers its subfolders, which therefore are unique for their paths too, as the kernel demands.
final class Place: Sendable {
    /// Its own number, which lives in the slot of its parent.
    let node: NodeNumber
    /// Where its subfolders live.
    let slot: UInt64
    /// The folder around it; nil for the root.
    ///
    /// Kept alive by this reference even when the table forgot it.
    let parent: Place?
    /// Its name there; empty for the root.
    let name: [UInt8]
    /// What it shows.
    let source: FolderSource
    /// Where the inode numbers of its subfolders start.
    let inodes: InodeHash
    /// The same for this folder in all snapshots of the channel; nil outside of snapshots.
    let lineage: InodeHash?

    init(
        node: NodeNumber,
        slot: UInt64,
        parent: Place?,
        name: [UInt8],
        source: FolderSource,
        inodes: InodeHash
    ) {
        self.node = node
        self.slot = slot
        self.parent = parent
        self.name = name
        self.source = source
        self.inodes = inodes
        lineage = if case .snapshot = source { parent?.inodes } else { parent?.lineage?.appending(name) }
    }

    /// `st_ino` of the folder itself.
    var inode: UInt64 { parent == nil ? NodeNumber.root.rawValue : inodes.inode }

    /// The path below the root of the mount, of the entry `name` in this folder.
    func path(to name: [UInt8]) -> [UInt8] {
        var names = [name]
        var place = self
        while let parent = place.parent {
            names.append(place.name)
            place = parent
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    /// The path below the root of the mount; empty for the root.
    var path: [UInt8] { parent.map { $0.path(to: name) } ?? [] }
}

/// What a folder shows besides subfolders: files and links.
///
/// All places that show the same stored folder unchanged share one, and so the kernel has one set of pages for
/// equal folders of different snapshots. A folder that shows anything else has one of its own.
///
/// There is one for each folder that the kernel remembers, so it is kept small.
final class Content: @unchecked Sendable {
    /// What contents have to share to be one.
    enum Key: Hashable, Sendable {
        case folder(Hash32)
        case place(NodeNumber)

        init(_ place: Place) {
            self = place.source.storedAlone.map { .folder($0.hash) } ?? .place(place.node)
        }
    }

    /// By what it is found.
    let key: Key
    /// Where its files and links live.
    let slot: UInt64
    /// Where the inode numbers of its files and links start.
    let inodes: InodeHash
    /// The numbers that they have instead, for those of another version of this folder.
    private let numbering: InodeNumbering?
    /// By what the next version of this folder finds it; only for the `NodeTable`, whose lock protects it.
    private var lineage: InodeHash?
    /// The same in other channels that show it.
    private var otherLineages: [InodeHash] = []
    /// The place that it belongs to, where that is only one.
    private let owner: Place?
    /// The place through which it was looked at last; only for the `NodeTable`, whose lock protects it.
    var viewer: Place

    init(_ key: Key, slot: UInt64, viewer: Place, _ numbering: InodeNumbering?) {
        self.numbering = numbering
        self.key = key
        self.slot = slot
        self.viewer = viewer
        switch key {
        case .folder(let hash):
            inodes = InodeHash(folder: ObjectID(.metadata, hash))
            owner = nil
            lineage = viewer.lineage
        case .place:
            inodes = viewer.inodes
            owner = viewer
            lineage = nil
        }
    }

    private static let maxOtherLineageCount = 8

    /// By what versions of this folder find it; as with `viewer`.
    var lineages: [InodeHash] { (lineage.map { [$0] } ?? []) + otherLineages }

    /// Notes that it is shown in a channel; false when it is no stored folder, or there is no room for more.
    ///
    /// As with `viewer`.
    func note(_ lineage: InodeHash) -> Bool {
        guard case .folder = key else { return false }
        if self.lineage == nil { self.lineage = lineage }
        if self.lineage == lineage || otherLineages.contains(lineage) { return true }
        guard otherLineages.count < Self.maxOtherLineageCount else { return false }
        otherLineages.append(lineage)
        return true
    }

    /// `st_ino` of the file or link at `position`.
    func inode(at position: Int) -> UInt64 {
        numbering?.inode(at: position) ?? inodes.inode(at: position)
    }

    /// What it shows.
    var source: FolderSource {
        switch key {
        case .folder(let hash): .stored(ObjectID(.metadata, hash))
        case .place: owner?.source ?? .unreadable
        }
    }
}
