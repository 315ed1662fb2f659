import Synchronization

/// Counts events of many threads, for reports; reading it orders nothing.
public final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    /// Starts at 0.
    public init() {}

    /// How many there were.
    public var value: Int { count.load(ordering: .relaxed) }

    /// Counts one event, or several, or takes them back.
    public func add(_ events: Int = 1) {
        count.add(events, ordering: .relaxed)
    }

    /// Counts one event and tells how many there were before it.
    public func next() -> Int {
        count.add(1, ordering: .relaxed).oldValue
    }
}
