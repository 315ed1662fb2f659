/// Decides when the tags of a mounted repository are listed again: when somebody looks, at most every so often.
final class LiveRefresh: Sendable {
    private struct State {
        var isRunning = false
        /// When the last listing began: whoever looks after each interval always finds it over.
        var last: Int64
    }

    private let intervalMilliseconds: Int64?
    private let state: Locked<State>

    /// - Parameters:
    ///   - seconds: Between the beginnings of listings; nil for never, 0 for each look.
    ///   - now: When the first listing was made, in milliseconds.
    init(seconds: Int64?, now: Int64) {
        intervalMilliseconds = seconds.map { min($0, .max / 1000) * 1000 }
        state = Locked(State(last: now))
    }

    /// Notes that somebody looks; true when a listing shall begin, which ends with `finish`.
    func begins(at now: Int64) -> Bool {
        guard let intervalMilliseconds else { return false }
        return state.withLock { state in
            guard !state.isRunning, now - state.last >= intervalMilliseconds else { return false }
            state = State(isRunning: true, last: now)
            return true
        }
    }

    /// Notes that the listing ended.
    func finish() {
        state.withLock { $0.isRunning = false }
    }
}
