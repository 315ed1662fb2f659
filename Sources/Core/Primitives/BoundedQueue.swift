import Glibc

/// Joins two stages of a pipeline: a first-in first-out queue whose total cost is bounded.
///
/// `push` waits while the queue is full, `pop` while it is empty. An element that costs more than the whole
/// capacity is taken when the queue is empty, so nothing can wait for ever. Any number of threads on both sides.
///
/// - Source: C: `pthread_cond_wait`, `pthread_cond_timedwait`.
public final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [(element: Element, cost: Int)?] = []
        var head = 0
        var count = 0
        var cost = 0
        var isClosed = false
        var waitingToPush = 0
        var waitingToPop = 0

        mutating func append(_ element: Element, cost: Int) {
            if count == elements.count { grow() }
            elements[(head + count) % elements.count] = (element, cost)
            count += 1
            self.cost += cost
        }

        mutating func removeFirst() -> Element {
            guard let first = elements[head] else { fatalError("queue slot is empty") }
            elements[head] = nil
            head = (head + 1) % elements.count
            count -= 1
            cost -= first.cost
            return first.element
        }

        private mutating func grow() {
            var larger: [(element: Element, cost: Int)?] = []
            larger.reserveCapacity(max(16, elements.count * 2))
            for offset in 0..<count { larger.append(elements[(head + offset) % elements.count]) }
            larger.append(contentsOf: repeatElement(nil, count: max(16, elements.count * 2) - count))
            elements = larger
            head = 0
        }
    }

    private let capacity: Int
    private let state = Locked<State>(State())
    // Written once in `init`, destroyed in `deinit`; used only with the mutex of `state`.
    private let conditions: Conditions

    private final class Conditions: @unchecked Sendable {
        let notFull = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        let notEmpty = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(notFull, &attributes)
            pthread_cond_init(notEmpty, &attributes)
            pthread_condattr_destroy(&attributes)
        }

        deinit {
            pthread_cond_destroy(notFull)
            pthread_cond_destroy(notEmpty)
            notFull.deallocate()
            notEmpty.deallocate()
        }
    }

    /// Makes an empty queue that holds elements up to a total cost of `capacity` (at least 1).
    public init(capacity: Int) {
        precondition(capacity >= 1)
        self.capacity = capacity
        conditions = Conditions()
    }

    /// Appends `element`, waiting while the queue is full; false when the queue was closed (the element is dropped).
    @discardableResult
    public func push(_ element: Element, cost: Int = 1) -> Bool {
        state.withMutex { mutex, state in
            while !state.pointee.isClosed, state.pointee.count > 0, state.pointee.cost + cost > capacity {
                state.pointee.waitingToPush += 1
                pthread_cond_wait(conditions.notFull, mutex)
                state.pointee.waitingToPush -= 1
            }
            guard !state.pointee.isClosed else { return false }
            state.pointee.append(element, cost: cost)
            if state.pointee.waitingToPop > 0 { pthread_cond_signal(conditions.notEmpty) }
            return true
        }
    }

    /// Appends `element` if there is room at this moment; never waits.
    public func tryPush(_ element: Element, cost: Int = 1) -> Bool {
        state.withMutex { _, state in
            guard !state.pointee.isClosed else { return false }
            guard state.pointee.count == 0 || state.pointee.cost + cost <= capacity else { return false }
            state.pointee.append(element, cost: cost)
            if state.pointee.waitingToPop > 0 { pthread_cond_signal(conditions.notEmpty) }
            return true
        }
    }

    /// Takes the oldest element, waiting for one; nil when the queue is closed and empty.
    public func pop() -> Element? {
        state.withMutex { mutex, state in
            while state.pointee.count == 0 {
                if state.pointee.isClosed { return nil }
                state.pointee.waitingToPop += 1
                pthread_cond_wait(conditions.notEmpty, mutex)
                state.pointee.waitingToPop -= 1
            }
            return take(state)
        }
    }

    /// What `pop(timeoutMilliseconds:)` found.
    public enum PopResult {
        case element(Element)
        case timedOut
        case closed
    }

    /// Takes the oldest element, waiting for one at most `timeoutMilliseconds`.
    public func pop(timeoutMilliseconds: Int) -> PopResult {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = deadline.tv_nsec + (timeoutMilliseconds % 1000) * 1_000_000
        deadline.tv_sec += timeoutMilliseconds / 1000 + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        return state.withMutex { mutex, state in
            while state.pointee.count == 0 {
                if state.pointee.isClosed { return .closed }
                state.pointee.waitingToPop += 1
                let status = pthread_cond_timedwait(conditions.notEmpty, mutex, &deadline)
                state.pointee.waitingToPop -= 1
                if status == ETIMEDOUT, state.pointee.count == 0 {
                    return state.pointee.isClosed ? .closed : .timedOut
                }
            }
            return .element(take(state))
        }
    }

    /// Takes the oldest element if there is one at this moment; never waits.
    public func tryPop() -> Element? {
        state.withMutex { _, state in state.pointee.count == 0 ? nil : take(state) }
    }

    /// Ends the queue: pushes fail from now on, pops get what is left and then nil.
    public func close() {
        state.withMutex { _, state in
            state.pointee.isClosed = true
            pthread_cond_broadcast(conditions.notFull)
            pthread_cond_broadcast(conditions.notEmpty)
        }
    }

    private func take(_ state: UnsafeMutablePointer<State>) -> Element {
        let element = state.pointee.removeFirst()
        // Costs differ, so one freed element may make room for several waiters, or for another than the first.
        if state.pointee.waitingToPush > 0 { pthread_cond_broadcast(conditions.notFull) }
        return element
    }
}
