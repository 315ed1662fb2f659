/// Decides how often a request is sent, and how long to wait in between.
///
/// Waits are random between nothing and a bound that doubles ("full jitter"), so that many machines that failed
/// together do not come back together.
struct RetryPolicy: Sendable {
    /// How often a request is sent at most.
    var maxAttempts = 10
    var firstDelayMilliseconds = 100
    var maxDelayMilliseconds = 10_000
    /// More than this is not waited, whatever the server asks for.
    var maxRetryAfterSeconds = 60

    /// How long to wait after attempt number `attempt`, counted from 0.
    ///
    /// - Parameters:
    ///   - retryAfter: What the server asked for, in seconds.
    ///   - random: Any number; decides within the bounds.
    func delayMilliseconds(after attempt: Int, retryAfter: Int?, random: UInt64) -> Int {
        let bound = min(maxDelayMilliseconds, firstDelayMilliseconds << min(attempt, 20))
        let jitter = Int(random % UInt64(bound + 1))
        guard let retryAfter else { return jitter }
        return min(max(retryAfter, 0), maxRetryAfterSeconds) * 1000 + jitter
    }

    /// The seconds that a `retry-after` asks for, as a count or a date; nil when it is neither.
    static func retryAfterSeconds(_ value: String, now: Timestamp) -> Int? {
        if let seconds = Int(value) { return seconds }
        guard let time = CalendarTime.parseHTTP(value) else { return nil }
        return Int(max(0, (time.milliseconds - now.milliseconds + 999) / 1000))
    }
}
