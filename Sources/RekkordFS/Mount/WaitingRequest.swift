internal import CFuseShim
import Core

/// Holds a request while its blobs are loaded.
///
/// Three parties may want to end the wait: the last load, the client that gives up, and the clock. The first to
/// `take` the request answers it; loads go on without it.
final class WaitingRequest: Sendable {
    private struct State {
        var request: rk_request?
        var loaded: LoadedBlobs
        var remaining: Int
    }

    /// What to do when everything is there.
    let operation: MountOperation
    /// When the wait began, in milliseconds.
    let since = MonotonicTime.milliseconds()
    private let state: Locked<State>

    init(_ reply: consuming Reply, _ operation: MountOperation, _ loaded: LoadedBlobs, count: Int) {
        self.operation = operation
        state = Locked(State(request: reply.release(), loaded: loaded, remaining: count))
    }

    deinit {
        if let request = state.withLock({ $0.request }) { _ = Reply(request) }
    }

    /// Asks to hear of it when the client gives up.
    ///
    /// Before any load can end the wait.
    func watch() {
        guard let request = state.withLock({ $0.request }) else { return }
        rk_watch_interrupt(request, Unmanaged.passRetained(self).toOpaque())
    }

    /// Finds the request that a callback is about.
    static func interrupted(_ data: UnsafeMutableRawPointer) -> WaitingRequest {
        Unmanaged<WaitingRequest>.fromOpaque(data).takeUnretainedValue()
    }

    /// Notes the outcome of one load; returns what was loaded when it was the last.
    func add(_ id: ObjectID, _ outcome: LoadedBlobs.Outcome) -> LoadedBlobs? {
        state.withLock { state in
            state.loaded.add(id, outcome)
            state.remaining -= 1
            return state.remaining == 0 ? state.loaded : nil
        }
    }

    /// Whether somebody has taken it.
    var isTaken: Bool { state.withLock { $0.request == nil } }

    /// Takes the request out, once.
    ///
    /// Not from the callback that tells of an interrupt.
    func take() -> rk_request? {
        let taken = state.withLock { state in
            defer { state.request = nil }
            return state.request
        }
        guard let taken else { return nil }
        rk_unwatch_interrupt(taken)
        // No callback will use the reference that `watch` made.
        Unmanaged.passUnretained(self).release()
        return taken
    }
}
