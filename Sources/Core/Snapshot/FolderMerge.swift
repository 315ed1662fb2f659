/// Says where saved paths go that are laid over a stored folder.
///
/// Takes time for each of them, and a mount asks for every entry of the folder, so it is done once.
final class FolderMerge: Sendable {
    /// The node laid over a stored entry, by the entry's index.
    let replaced: [Int: Int32]
    /// The nodes that follow the stored entries, ascending.
    let added: [Int32]

    init(_ overlay: RootTree.Overlay, over stored: DirectoryBlob) {
        var replaced: [Int: Int32] = [:]
        var added: [Int32] = []
        for child in overlay.children {
            if let index = stored.index(of: overlay.tree.nodes[Int(child)].name) {
                replaced[index] = child
            } else {
                added.append(child)
            }
        }
        self.replaced = replaced
        self.added = added
    }
}

/// Holds a stored folder with saved paths laid over it, for as long as a mount shows it.
///
/// What the merge occupies is small beside the tree of saved paths, which lives at least as long.
final class OverlaidFolder: Sendable {
    /// The stored folder; nil when there are only saved paths.
    let base: ObjectID?
    let overlay: RootTree.Overlay
    private let merge = Locked<FolderMerge?>(nil)

    init(base: ObjectID?, _ overlay: RootTree.Overlay) {
        self.base = base
        self.overlay = overlay
    }

    /// What it shows, given the stored folder `base`.
    func view(over stored: DirectoryBlob) -> FolderView {
        if let merge = merge.withLock({ $0 }) { return FolderView(overlay, over: stored, merge) }
        // Outside of the lock; who merges at the same time gets the same.
        let view = FolderView(stored: stored, overlay: overlay)
        merge.withLock { if $0 == nil { $0 = view.merge } }
        return view
    }
}
