/// Remembers how the files of folders are being read, for the folders in use.
///
/// Bounded: the folder unused for longest is forgotten, as if nobody had read in it.
final class SiblingTable: Sendable {
    private static let maxCount = 1024

    private struct State {
        var readings = RecencyList<UInt64, SiblingReading>()
        var stamp: UInt64 = 0
    }

    private let state = Locked(State())

    /// Calls `body` with what is known of a folder, to use and to change.
    func reading<R>(in content: Content, _ body: (inout SiblingReading) -> R) -> R {
        state.withLock { state in
            state.stamp += 1
            var reading = state.readings.use(content.slot, stamp: state.stamp) ?? SiblingReading()
            let result = body(&reading)
            state.readings.insert(content.slot, reading, cost: 1, stamp: state.stamp)
            if state.readings.count > Self.maxCount { _ = state.readings.removeOldest() }
            return result
        }
    }
}
