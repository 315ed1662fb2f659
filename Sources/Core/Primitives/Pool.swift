/// Lends objects that are costly to make and serve one thread at a time.
final class Pool<Object: AnyObject>: Sendable {
    private let idle = Locked<[Handover]>([])
    private let turns: Allowance
    private let make: @Sendable () -> Object

    /// Carries an object between threads; only one of them uses it at a time.
    private struct Handover: @unchecked Sendable {
        let object: Object
    }

    /// Starts empty; `make` is called when all objects are lent.
    ///
    /// - Parameter limit: How many may be lent at once; whoever wants another one waits, and so must not hold one.
    init(limit: Int = .max, make: @escaping @Sendable () -> Object) {
        turns = Allowance(limit: limit)
        self.make = make
    }

    /// Calls `body` with an object that nobody else has until it returns.
    func with<R, E: Error>(_ body: (Object) throws(E) -> R) throws(E) -> R {
        turns.take(1)
        defer { turns.giveBack(1) }
        let lent = idle.withLock { $0.popLast() } ?? Handover(object: make())
        defer { idle.withLock { $0.append(lent) } }
        return try body(lent.object)
    }
}
