public import Core

/// Tells a time that a test sets.
public final class TestClock: Sendable {
    private let time: Locked<Timestamp>

    /// Starts at a time.
    public init(_ time: Timestamp = Timestamp(milliseconds: 1_767_619_231_000)) {
        self.time = Locked(time)
    }

    /// The time.
    public var now: Timestamp { time.withLock { $0 } }

    /// Lets days and seconds pass.
    public func advance(days: Int64 = 0, seconds: Int64 = 0) {
        time.withLock { $0 = $0.advanced(bySeconds: days * 86_400 + seconds) }
    }
}
