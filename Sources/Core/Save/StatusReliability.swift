/// When a status can be trusted to tell about later changes.
enum StatusReliability {
    /// A change right after another can bear the same time; kernels and servers round to as much as this.
    private static let seconds: Int64 = 2

    /// Whether a change after `now` is sure to show in the status.
    static func isReliable(_ status: FileStatus, at now: FileStatus.Time) -> Bool {
        let limit = now.seconds - seconds
        return status.change.seconds < limit
            || status.change.seconds == limit && status.change.nanoseconds <= now.nanoseconds
    }
}
