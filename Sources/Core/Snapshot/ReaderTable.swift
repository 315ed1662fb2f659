import Synchronization

/// Keeps what is known about files that are being read, by node, since the kernel tells neither open nor close.
///
/// Bounded: the file unused for longest is forgotten, which costs its next reader a lookup.
final class ReaderTable: Sendable {
    private static let maxCount = 1024

    /// One file of several chunks that was read lately.
    final class Reader: Sendable {
        let id: ObjectID
        let table: FileTable
        /// The size that the entry tells.
        let entrySize: UInt64
        let readAhead = Locked(ReadAhead())
        let scatter = Locked(ScatteredReading())
        private let lastUse = Atomic<Int64>(0)

        init(_ id: ObjectID, _ table: FileTable, entrySize: UInt64) {
            self.id = id
            self.table = table
            self.entrySize = entrySize
        }

        /// Notes that it is read at `time`, in milliseconds.
        func use(at time: Int64) {
            lastUse.store(time, ordering: .relaxed)
        }

        /// Whether it was read at `time` or later.
        func isUsed(since time: Int64) -> Bool {
            lastUse.load(ordering: .relaxed) >= time
        }
    }

    private struct State {
        var readers = RecencyList<NodeNumber, Reader>()
        var stamp: UInt64 = 0
    }

    private let state = Locked(State())

    func reader(of node: NodeNumber) -> Reader? {
        state.withLock { state in
            state.stamp += 1
            return state.readers.use(node, stamp: state.stamp)
        }
    }

    func add(_ node: NodeNumber, _ reader: Reader) {
        state.withLock { state in
            state.stamp += 1
            state.readers.insert(node, reader, cost: 1, stamp: state.stamp)
            if state.readers.count > Self.maxCount { _ = state.readers.removeOldest() }
        }
    }

    /// How many files were read since `time`, in milliseconds; at least 1.
    func activeCount(since time: Int64) -> Int {
        state.withLock { state in
            max(1, state.readers.count(where: { $0.isUsed(since: time) }))
        }
    }
}
