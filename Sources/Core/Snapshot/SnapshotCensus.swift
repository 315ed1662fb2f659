/// Tells what stands in the blob of a snapshot alone.
struct SnapshotFacts: Sendable {
    /// How many folders it shows at its top.
    let folderCount: Int
    /// How many files, links and folders it holds.
    let entryCount: UInt64

    init(_ blob: SnapshotBlob, _ tree: RootTree) {
        folderCount = tree.top.folderCount
        entryCount = UInt64(max(0, blob.totalEntries))
    }
}

/// Remembers what was learned of the snapshots of a mounted repository, since nothing of it ever changes.
///
/// Tags do not tell it, and a repository may hold thousands of snapshots: each blob is read when somebody asks about
/// that snapshot, and all of them only for `statfs`.
final class SnapshotCensus: Sendable {
    private enum Row {
        case unknown
        case known(SnapshotFacts)
        /// Could not be learned; tried again by whoever asks later than this, in milliseconds.
        case failed(at: Int64)
    }

    /// By position in `LiveTree.State.snapshots`.
    private let rows = Locked<[Row]>([])

    /// What is known of the snapshot at `position`.
    func facts(at position: Int) -> SnapshotFacts? {
        rows.withLock { rows in
            guard position < rows.count, case .known(let facts) = rows[position] else { return nil }
            return facts
        }
    }

    /// Notes what was learned.
    func note(_ facts: SnapshotFacts, at position: Int) {
        set(.known(facts), at: position)
    }

    /// Notes that nothing could be learned at the moment `now`.
    func noteFailure(at position: Int, now: Int64) {
        set(.failed(at: now), at: position)
    }

    private func set(_ row: Row, at position: Int) {
        rows.withLock { rows in
            while rows.count <= position { rows.append(.unknown) }
            rows[position] = row
        }
    }

    /// Adds up the entries of all snapshots that are shown.
    ///
    /// - Parameter since: Whoever failed before is asked again.
    /// - Returns: The sum of what is known, and at most `limit` snapshots to be read for more.
    func entryCount(
        of snapshots: LiveTree.Snapshots,
        since: Int64,
        limit: Int
    ) -> (sum: UInt64, missing: [ObjectID]) {
        rows.withLock { rows in
            var sum: UInt64 = 0
            var missing: [ObjectID] = []
            for (position, snapshot) in snapshots.items.enumerated() where snapshot.isShown {
                switch position < rows.count ? rows[position] : .unknown {
                case .known(let facts):
                    sum = sum.addingClamped(facts.entryCount)
                case .failed(let moment) where moment >= since:
                    break
                case .failed, .unknown:
                    if missing.count < limit { missing.append(snapshot.id) }
                }
            }
            return (sum, missing)
        }
    }
}
