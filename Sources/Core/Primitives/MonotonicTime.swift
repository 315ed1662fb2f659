import Glibc

/// Reads the clock that never jumps.
public enum MonotonicTime {
    /// Milliseconds since an arbitrary start.
    ///
    /// - Source: C: `clock_gettime(CLOCK_MONOTONIC)`.
    public static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
