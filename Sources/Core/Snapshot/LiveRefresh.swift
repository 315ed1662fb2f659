/// Decides when the tags of a mounted repository are listed again: when somebody looks, at most every so often.
///
/// The interval lies between the beginnings of two listings, so that whoever looks at that pace finds one each time.
/// Slow listings are followed by a pause as long as they took, or the interval where that is shorter.
final class LiveRefresh: Sendable {
    private struct State {
        var isRunning = false
        /// When the last listing began.
        var start: Int64
        /// When it ended.
        var end: Int64
    }

    private let intervalMilliseconds: Int64?
    private let state: Locked<State>

    /// - Parameters:
    ///   - seconds: Between the beginnings of listings; nil for never, 0 for each look.
    ///   - now: When the first listing was made, in milliseconds.
    init(seconds: Int64?, now: Int64) {
        intervalMilliseconds = seconds.map { min($0, .max / 1000) * 1000 }
        state = Locked(State(start: now, end: now))
    }

    /// Notes that somebody looks; true when a listing shall begin, which ends with `finish`.
    func begins(at now: Int64) -> Bool {
        guard let intervalMilliseconds else { return false }
        return state.withLock { state in
            let pause = min(state.end - state.start, intervalMilliseconds)
            guard !state.isRunning, now - state.start >= intervalMilliseconds, now - state.end >= pause else {
                return false
            }
            state = State(isRunning: true, start: now, end: now)
            return true
        }
    }

    /// Notes that the listing ended.
    func finish(at now: Int64) {
        state.withLock { state in
            state.isRunning = false
            state.end = now
        }
    }
}
