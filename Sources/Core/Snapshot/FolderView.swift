/// Shows the entries of one folder: those that are stored, with saved paths of the snapshot laid over them.
///
/// The order is canonical and every index stable, so an index can be a position in a listing: first the stored
/// entries in stored order, each possibly replaced in its place, then what is only in the overlay, by name bytes.
/// Nearly all folders have no overlay; then everything goes straight to the stored folder.
public struct FolderView: Sendable {
    /// One entry as it is shown.
    public struct Item: Sendable {
        /// The stored or made-up entry; its name is one name, never a path.
        public let entry: Entry
        /// What is laid over the content of this folder; nil when its stored content is all there is.
        public let overlay: RootTree.Overlay?
        /// Whether the folder was not saved and has no stored content, only an overlay.
        public let isSynthetic: Bool

        init(entry: Entry, overlay: RootTree.Overlay?, isSynthetic: Bool) {
            self.entry = entry
            self.overlay = overlay
            self.isSynthetic = isSynthetic
        }

        /// An entry without anything laid over it.
        public init(_ entry: Entry) {
            self.init(entry: entry, overlay: nil, isSynthetic: false)
        }

        /// The same under another name.
        public func renamed(_ name: [UInt8]) -> Item {
            let entry = Entry(entry.attributes, name: name, extended: entry.extended)
            return Item(entry: entry, overlay: overlay, isSynthetic: isSynthetic)
        }

        /// Whether it can be entered.
        public var isFolder: Bool { entry.attributes.isFolder }
    }

    /// The stored folder; nil for a synthetic one and for one that could not be read when it was saved.
    public let stored: DirectoryBlob?
    /// What is laid over it.
    public let overlay: RootTree.Overlay?
    /// Where both go; nil when there is only one of them.
    let merge: FolderMerge?

    /// Lays an overlay, if there is one, over a stored folder, if there is one.
    public init(stored: DirectoryBlob?, overlay: RootTree.Overlay?) {
        self.stored = stored
        self.overlay = overlay
        if let stored, let overlay {
            merge = FolderMerge(overlay, over: stored)
        } else {
            merge = nil
        }
    }

    /// Lays an overlay over a stored folder as it was done before.
    init(_ overlay: RootTree.Overlay, over stored: DirectoryBlob, _ merge: FolderMerge) {
        self.stored = stored
        self.overlay = overlay
        self.merge = merge
    }

    /// The node laid over the stored entry at `index`.
    private func replacement(of index: Int) -> Int? { merge?.replaced[index].map { Int($0) } }

    /// The nodes that follow the stored entries, ascending.
    private var added: [Int32] { merge?.added ?? overlay?.children ?? [] }

    private var storedCount: Int { stored?.count ?? 0 }

    /// How many entries there are.
    public var count: Int { storedCount + added.count }

    /// Whether any entry is not what the stored folder holds at its place.
    public var isMerged: Bool { overlay != nil }

    /// The entry at `index`, 0..<`count`.
    public func item(at index: Int) -> Item {
        if let node = node(at: index) {
            return node.tree.item(at: node.node, over: index < storedCount ? stored?.entry(at: index) : nil)
        }
        guard let stored else { preconditionFailure("index beyond the folder") }
        return Item(stored.entry(at: index))
    }

    /// The attributes of the entry at `index`; copies no name unless something is laid over that entry.
    public func attributes(at index: Int) -> EntryAttributes {
        guard let stored, index < storedCount, replacement(of: index) == nil else {
            return item(at: index).entry.attributes
        }
        return stored.attributes(at: index)
    }

    /// Whether the entry at `index` has extended attributes.
    public func hasExtended(at index: Int) -> Bool {
        guard let stored, index < storedCount, replacement(of: index) == nil else {
            return !item(at: index).entry.extended.isEmpty
        }
        return stored.hasExtended(at: index)
    }

    /// Which attributes occur among the entries, or in what is laid over by a saved path.
    var systemAttributes: SystemAttributes {
        (stored?.systemAttributes ?? []).union(overlay?.systemAttributes ?? [])
    }

    /// Calls `body` with the name of the entry at `index`, which must not escape from it.
    public func withName<R, E: Error>(
        at index: Int,
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        if let stored, index < storedCount { return try stored.withName(at: index, body) }
        guard let node = node(at: index) else { preconditionFailure("index beyond the folder") }
        return try node.tree.nodes[node.node].name.withRawBytes(body)
    }

    /// Finds the entry with exactly this name.
    public func index(of name: UnsafeRawBufferPointer) -> Int? {
        if let index = stored?.index(of: name) { return index }
        guard let overlay, let child = overlay.tree.child(of: overlay.node, named: name) else { return nil }
        // Node numbers ascend with the names of siblings.
        let added = added
        var low = 0
        var high = added.count
        while low < high {
            let middle = (low + high) / 2
            if added[middle] < child { low = middle + 1 } else { high = middle }
        }
        return low < added.count && added[low] == child ? storedCount + low : nil
    }

    /// Finds the entry with exactly this name.
    public func item(named name: [UInt8]) -> Item? {
        name.withRawBytes { index(of: $0) }.map { item(at: $0) }
    }

    /// How many entries can be entered.
    public var folderCount: Int {
        if stored == nil { return overlay?.folderCount ?? 0 }
        return (0..<count).reduce(0) { $0 + (attributes(at: $1).isFolder ? 1 : 0) }
    }

    /// The node shown at `index`; nil where the stored entry is shown.
    private func node(at index: Int) -> RootTree.Overlay? {
        guard let overlay else { return nil }
        if index < storedCount {
            return replacement(of: index).map { RootTree.Overlay(tree: overlay.tree, node: $0) }
        }
        return RootTree.Overlay(tree: overlay.tree, node: Int(added[index - storedCount]))
    }
}
