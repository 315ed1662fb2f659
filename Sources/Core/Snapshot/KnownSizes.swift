import Synchronization

/// Remembers the sizes of files whose entries tell another one, and which nodes the kernel was corrected about.
///
/// A size in an entry is what the saver expected before it read. Nearly all are right, so this stays small.
final class KnownSizes: Sendable {
    private static let maxCorrectedCount = 4096

    private struct State {
        var sizes: [ObjectID: UInt64] = [:]
        var corrected = RecencyList<NodeNumber, UInt64>()
        var stamp: UInt64 = 0
    }

    private let state = Locked(State())
    private let isUsed = Atomic(false)

    /// The true size of the file with this content, if its entry was found to be wrong.
    func size(of id: ObjectID) -> UInt64? {
        guard isUsed.load(ordering: .relaxed) else { return nil }
        return state.withLock { $0.sizes[id] }
    }

    /// Notes the true size; returns whether the kernel has to be told, the first time for each node.
    func correct(_ id: ObjectID, _ size: UInt64, of node: NodeNumber) -> Bool {
        isUsed.store(true, ordering: .relaxed)
        return state.withLock { state in
            state.sizes[id] = size
            state.stamp += 1
            if state.corrected.use(node, stamp: state.stamp) == size { return false }
            state.corrected.insert(node, size, cost: 1, stamp: state.stamp)
            if state.corrected.count > Self.maxCorrectedCount { _ = state.corrected.removeOldest() }
            return true
        }
    }

    /// Notes the true size of a file that the kernel is being told anyway.
    func learn(_ id: ObjectID, _ size: UInt64) {
        isUsed.store(true, ordering: .relaxed)
        state.withLock { $0.sizes[id] = size }
    }
}
