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
                folder.encoded,
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
        let isComplete = folder.parent.settle(folder.index) { entry in
            entry.setContent(hash, stored: byteCount)
            entry.size = folder.subfolderCount
            entry.totals += folder.totals
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
                entry.hash = id.hash
                if isReadable { entry.flags.insert(.readable) }
                entry.totals.stored += byteCount
            }
            if isComplete { finish(node) }
        }
        if let (id, byteCount) = storeBlob(.directory, plaintext, later: tell) { tell(id, byteCount) }
    }
}

/// A folder whose entries are all final.
struct FinishedFolder: Sendable {
    let parent: FolderNode
    let index: Int
    /// Sums over the entries, without the folder itself.
    private(set) var totals = SaveTotals()
    private(set) var subfolderCount: Int64 = 0
    /// The object to use again, since nothing in the folder changed.
    let reusable: FolderNode.Reusable?
    let keepsRecord: Bool
    private let key: LocalCache.FolderKey
    private let circumstances: FolderRecord.Circumstances
    private let entries: [SavedEntry]

    init(
        _ node: FolderNode,
        _ state: FolderNode.State,
        _ parent: FolderNode,
        _ circumstances: FolderRecord.Circumstances
    ) {
        self.parent = parent
        self.circumstances = circumstances
        index = state.index
        keepsRecord = state.keepsRecord
        key = node.key
        reusable = state.isReusable ? state.reusable : nil
        entries = state.entries.filter { !$0.isLeftOut }
        for entry in entries {
            totals += entry.totals
            if entry.kind == .directory, entry.status != nil { subfolderCount += 1 }
        }
    }

    /// The plaintext of the folder's object.
    var encoded: [UInt8] {
        DirectoryBlob.encode(size: totals.size, entries: totals.entries, children: entries.map(\.encoded))
    }

    /// What the cache is to remember.
    func record(hash: Hash32, stored: Int64) -> LocalCache.NewRecord {
        LocalCache.NewRecord(folder: key, circumstances, hash: hash, stored: stored, entries)
    }
}

extension LocalCache.NewRecord {
    /// Remembers those of `entries` that can be; with all of them, the folder's object as well.
    init(
        folder: LocalCache.FolderKey,
        _ circumstances: FolderRecord.Circumstances,
        hash: Hash32,
        stored: Int64,
        _ entries: [SavedEntry]
    ) {
        let remembered = entries.map { ($0.name, $0.remembered) }
        var builder = FolderRecord.Builder(
            circumstances,
            isComplete: hash != .zero && remembered.allSatisfy { $0.1 != nil },
            hash: hash,
            stored: stored
        )
        for case (let name, .some(let entry)) in remembered { builder.append(name, entry) }
        self.init(folder: folder, bytes: builder.finish())
    }
}
