/// Holds what is known of the versions of saved paths, bounded by memory.
final class HistoryTree: Sendable {
    /// The top: `history` itself.
    let root = HistoryFolder([], in: nil)

    private struct State {
        var generation = 0
        var calendar: (generation: Int, calendar: HistoryCalendar) = (-1, HistoryCalendar())
        var folders = RecencyList<ObjectIdentifier, HistoryFolder>()
        var byteCount = 0
        var stamp: UInt64 = 0
        var lastIdentity: UInt64 = 0
    }

    private let byteLimit: Int
    private let state = Locked(State())

    /// - Parameter byteLimit: What is used most stays, whatever it occupies.
    init(byteLimit: Int) {
        self.byteLimit = byteLimit
    }

    deinit {
        state.withLock { state in
            while let folder = state.folders.removeOldest()?.value { folder.parent?.release(folder) }
        }
    }

    /// Notes that a listing changed something.
    func noteChange() {
        state.withLock { $0.generation += 1 }
    }

    /// The snapshots of the newest listing, and its number.
    ///
    /// - Parameter live: Called under no lock.
    func calendar(_ live: LiveTree) -> (generation: Int, calendar: HistoryCalendar) {
        let (known, generation) = state.withLock { ($0.calendar, $0.generation) }
        if known.generation == generation { return known }
        // A listing that comes in between is newer than its number says, and is taken again then.
        let calendar = HistoryCalendar(live.state)
        return state.withLock { state in
            if state.calendar.generation < generation { state.calendar = (generation, calendar) }
            return (generation, calendar)
        }
    }

    /// An empty table that follows the numbers of `around`; nil at the top.
    func makeTable(around: HistoryTable?) -> HistoryTable {
        state.withLock { state in
            state.lastIdentity += 1
            return HistoryTable(identity: state.lastIdentity, around: around?.identity ?? 0)
        }
    }

    /// Notes a use of `folder`, whose table occupies `byteCount` now; forgets those unused for longest.
    func use(_ folder: HistoryFolder, byteCount: Int) {
        // Whatever is kept is in the list, and so released at some time.
        folder.parent?.keep(folder)
        let key = ObjectIdentifier(folder)
        let forgotten = state.withLock { state in
            state.stamp += 1
            let old = state.folders.insert(key, folder, cost: byteCount, stamp: state.stamp)
            state.byteCount += byteCount - (old?.cost ?? 0)
            var forgotten: [HistoryFolder] = []
            while state.byteCount > byteLimit, state.folders.count > 1,
                let oldest = state.folders.removeOldest()
            {
                state.byteCount -= oldest.cost
                forgotten.append(oldest.value)
            }
            return forgotten
        }
        for folder in forgotten {
            folder.table = nil
            folder.parent?.release(folder)
        }
    }
}
