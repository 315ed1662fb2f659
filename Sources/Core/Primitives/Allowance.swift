import Glibc

/// Lets in a limited amount of something, bytes or turns; whoever wants more than is left waits.
///
/// Who wants more than the whole limit is let in alone, so nobody waits for ever for what others give back. Whoever
/// holds a part must not wait for another one: then two could wait for each other.
///
/// - Source: C: `pthread_cond_wait`.
public final class Allowance: Sendable {
    private struct State {
        var limit: Int
        var taken = 0
        var waiting = 0

        func hasRoom(for amount: Int) -> Bool { taken == 0 || taken + amount <= limit }
    }

    private let state: Locked<State>
    // Written once in `init`, destroyed in `deinit`; used only with the mutex of `state`.
    private let hasRoom = Condition()

    private final class Condition: @unchecked Sendable {
        let pointer = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() { pthread_cond_init(pointer, nil) }

        deinit {
            pthread_cond_destroy(pointer)
            pointer.deallocate()
        }
    }

    /// Starts with nothing taken.
    public init(limit: Int) {
        state = Locked(State(limit: limit))
    }

    /// How much is taken now.
    public var taken: Int { state.withLock { $0.taken } }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting } }

    /// Changes the limit for whoever comes from now on.
    func setLimit(_ limit: Int) {
        state.withMutex { _, state in
            state.pointee.limit = limit
            pthread_cond_broadcast(hasRoom.pointer)
        }
    }

    /// Takes `amount`, waiting until there is room for it.
    public func take(_ amount: Int) {
        state.withMutex { mutex, state in
            while !state.pointee.hasRoom(for: amount) {
                state.pointee.waiting += 1
                pthread_cond_wait(hasRoom.pointer, mutex)
                state.pointee.waiting -= 1
            }
            state.pointee.taken += amount
        }
    }

    /// Takes `amount` at once, over the limit if need be: for who holds a part already.
    public func takeAnyway(_ amount: Int) {
        state.withLock { $0.taken += amount }
    }

    /// Gives back what was taken.
    public func giveBack(_ amount: Int) {
        state.withMutex { _, state in
            state.pointee.taken -= amount
            precondition(state.pointee.taken >= 0, "more given back than taken")
            // Amounts differ, so there may now be room for several, or for another than the first.
            if state.pointee.waiting > 0 { pthread_cond_broadcast(hasRoom.pointer) }
        }
    }
}
