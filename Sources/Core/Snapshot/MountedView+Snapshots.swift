/// What a mount tells of a whole file system.
public struct MountTotals: Sendable, Equatable {
    /// The bytes of all files.
    public var byteCount: UInt64
    /// The files, links and folders.
    public var entryCount: UInt64
}

/// What only the blobs of snapshots tell, in a mount of the whole repository.
extension MountedView {
    /// How many snapshots are read at a time to count their entries.
    private static let countedAtATime = 64

    /// What the blob of a snapshot tells; nil when it is not to be read now, or cannot be.
    func facts(of id: ObjectID, _ reason: Reason, _ loaded: LoadedBlobs) throws(Obstacle) -> SnapshotFacts? {
        guard let live, let position = live.tree.state.snapshots.byID[id] else { return nil }
        if let known = live.census.facts(at: position) { return known }
        if reason == .listed { return nil }
        do {
            // A damaged snapshot still shows.
            guard case .snapshot(let blob, let tree) = try self.blob(id, loaded) else { return nil }
            let facts = SnapshotFacts(blob, tree)
            live.census.note(facts, at: position)
            return facts
        } catch {
            if case .needs = error { throw error }
            return nil
        }
    }

    /// Fetches ahead for somebody who asks for one snapshot after the other, as `ls -l` does.
    func readSnapshots(_ content: Content, in folder: LiveFolder, after position: Int) {
        guard let live else { return }
        let state = live.tree.state
        let snapshots: LiveTree.Snapshots
        switch folder {
        case .top, .channels: return
        case .snapshots: snapshots = state.snapshots
        case .channel(let index): snapshots = state.channels[index].snapshots
        }
        let wanted = siblings.reading(in: content) {
            $0.note(position, waited: true, count: snapshots.items.count, inherited: 0)
        }
        for item in snapshots.items[wanted] where item.isShown {
            cache.prefetch(item.id) { true }
        }
    }

    /// The bytes and entries of what is mounted, of the whole repository those of all its snapshots.
    ///
    /// How many entries a snapshot holds stands in its blob. Blobs that were not read yet are asked for, some at a time;
    /// what they tell is remembered.
    /// - Parameters:
    ///   - since: When the question was asked, in milliseconds; what could not be read after that is left out.
    ///   - isPatient: Whether to ask for blobs at all, or to tell what is known.
    public func totals(since: Int64, isPatient: Bool, _ loaded: LoadedBlobs) throws(Obstacle) -> MountTotals {
        guard let live else {
            return MountTotals(
                byteCount: UInt64(max(0, root.totals.size)),
                entryCount: UInt64(max(0, root.totals.entries))
            )
        }
        let snapshots = live.tree.state.snapshots
        for (id, outcome) in loaded.all {
            guard let position = snapshots.byID[id] else { continue }
            if case .success(.snapshot(let blob, let tree)) = outcome {
                live.census.note(SnapshotFacts(blob, tree), at: position)
            } else {
                live.census.noteFailure(at: position, now: MonotonicTime.milliseconds())
            }
        }
        let count = live.census.entryCount(of: snapshots, since: since, limit: Self.countedAtATime)
        if isPatient, !count.missing.isEmpty { throw .needs(count.missing) }
        return MountTotals(byteCount: snapshots.byteCount, entryCount: count.sum)
    }
}
