/// From complete folders to their objects.
extension SaveRun {
    /// Encodes a folder in which nothing is pending, and every folder above that becomes complete by it.
    func finish(_ first: FolderNode) {
        var next: FolderNode? = first
        while let node = next {
            let state = node.take()
            guard let parent = state.parent else { return end(state) }
            next = store(FinishedFolder(node, state, parent, options.circumstances))
        }
    }

    /// Stores a folder's object and tells the folder above, which is returned when it is complete.
    private func store(_ folder: FinishedFolder) -> FolderNode? {
        if let reusable = folder.reusable {
            return tell(folder, hash: reusable.hash, byteCount: reusable.stored, isNew: false)
        }
        guard
            let (id, byteCount) = storeBlob(
                .directory,
                folder.entries.encoded,
                later: { [self] id, byteCount in
                    if let parent = tell(folder, hash: id.hash, byteCount: byteCount, isNew: true) {
                        finish(parent)
                    }
                }
            )
        else { return nil }
        return tell(folder, hash: id.hash, byteCount: byteCount, isNew: true)
    }

    private func tell(
        _ folder: FinishedFolder,
        hash: Hash32,
        byteCount: Int64,
        isNew: Bool
    ) -> FolderNode? {
        if isNew, cache != nil, !folder.keepsRecord {
            blobs.remember(folder.record(hash: hash, stored: byteCount))
        }
        let isComplete = folder.parent.settle(folder.index, below: folder.entries.totals) { entry in
            entry.setContent(hash, stored: byteCount)
            entry.size = folder.entries.subfolderCount
        }
        return isComplete ? folder.parent : nil
    }

    /// Stores one blob; nil when its size is told later, or when the run is over.
    func storeBlob(
        _ type: BlobType,
        _ plaintext: [UInt8],
        later: @escaping @Sendable (ObjectID, Int64) -> Void
    ) -> (ObjectID, Int64)? {
        plaintext.withRawBytes { storeBlob(type, $0, later: later) }
    }

    /// Stores one blob; nil when its size is told later, or when the run is over.
    func storeBlob(
        _ type: BlobType,
        _ plaintext: UnsafeRawBufferPointer,
        later: @escaping @Sendable (ObjectID, Int64) -> Void
    ) -> (ObjectID, Int64)? {
        do {
            let (id, byteCount) = try blobs.store(type, plaintext, later: later)
            return byteCount.map { (id, $0) }
        } catch {
            refuse(error)
            return nil
        }
    }

    /// Gives a folder that is not entered a fixed object.
    func settleWithoutEntries(_ node: FolderNode, _ index: Int, isReadable: Bool) {
        let plaintext = isReadable ? DirectoryBlob.encode(size: 0, entries: 0, children: []) : []
        let tell = { @Sendable [self] (id: ObjectID, byteCount: Int64) in
            let isComplete = node.settle(index) { entry in
                entry.setContent(id.hash, stored: byteCount, isReadable: isReadable)
            }
            if isComplete { finish(node) }
        }
        if let (id, byteCount) = storeBlob(.directory, plaintext, later: tell) { tell(id, byteCount) }
    }
}

/// A folder whose entries are all final.
private struct FinishedFolder: Sendable {
    let parent: FolderNode
    let index: Int
    let entries: SavedEntries
    /// The object to use again, since nothing in the folder changed.
    let reusable: FolderNode.Reusable?
    let keepsRecord: Bool
    private let key: LocalCache.FolderKey
    private let circumstances: FolderRecord.Circumstances

    init(
        _ node: FolderNode,
        _ state: FolderNode.State,
        _ parent: FolderNode,
        _ circumstances: FolderRecord.Circumstances
    ) {
        self.parent = parent
        self.circumstances = circumstances
        index = state.index
        entries = state.entries
        keepsRecord = state.keepsRecord
        key = node.key
        reusable = state.isReusable ? state.reusable : nil
    }

    /// What the cache is to remember.
    func record(hash: Hash32, stored: Int64) -> LocalCache.NewRecord {
        entries.record(of: key, circumstances, hash: hash, stored: stored)
    }
}
