import Glibc

/// Counts milliseconds since 1970-01-01T00:00:00Z, negative before.
///
/// - Source: rekkord-format(5), "Conventions".
public struct Timestamp: Hashable, Sendable, Comparable {
    /// The count.
    public let milliseconds: Int64

    /// Takes a count of milliseconds.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Rounds down: half a second before 1970 is −500, and −1 ns is −1 ms.
    ///
    /// - Parameter nanoseconds: 0…999,999,999, added to `seconds`, as in `struct timespec`.
    public init(seconds: Int64, nanoseconds: UInt32) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        milliseconds = overflow ? (seconds < 0 ? .min : .max) : product &+ Int64(nanoseconds / 1_000_000)
    }

    /// The whole seconds, rounded down, and the rest as 0…999,000,000 ns.
    public var timespec: (seconds: Int64, nanoseconds: UInt32) {
        var seconds = milliseconds / 1000
        var rest = milliseconds % 1000
        if rest < 0 {
            seconds -= 1
            rest += 1000
        }
        return (seconds, UInt32(rest) * 1_000_000)
    }

    /// The clock of the machine.
    public static func now() -> Timestamp {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
    }

    /// The time so many seconds later, as far as it can be counted.
    public func advanced(bySeconds seconds: Int64) -> Timestamp {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, overflows) = milliseconds.addingReportingOverflow(product)
        if overflow || overflows { return Timestamp(milliseconds: seconds < 0 ? .min : .max) }
        return Timestamp(milliseconds: sum)
    }

    /// Orders by time.
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
}
