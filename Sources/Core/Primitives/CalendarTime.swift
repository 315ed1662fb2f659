import Glibc

/// Shows times as text.
public enum CalendarTime {
    /// UTC with milliseconds: `2026-01-05T13:20:31.000Z`.
    public static func utc(_ time: Timestamp) -> String {
        let (seconds, nanoseconds) = time.timespec
        var value = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&value, &parts) != nil else { return "\(time.milliseconds)ms" }
        return date(parts, "T") + "." + padded(Int(nanoseconds / 1_000_000), 3) + "Z"
    }

    /// UTC for a file name: `2026-01-05T13.20.31Z`.
    public static func utcFileName(_ time: Timestamp) -> String {
        var value = time_t(time.timespec.seconds)
        var parts = tm()
        guard gmtime_r(&value, &parts) != nil else { return "\(time.milliseconds)ms" }
        return year(parts) + "-" + padded(Int(parts.tm_mon) + 1, 2) + "-" + padded(Int(parts.tm_mday), 2)
            + "T"
            + [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }.joined(separator: ".")
            + "Z"
    }

    /// UTC with seconds, rounded down: `2026-01-05T13:20:31Z`.
    public static func utcSeconds(_ time: Timestamp) -> String {
        var value = time_t(time.timespec.seconds)
        var parts = tm()
        guard gmtime_r(&value, &parts) != nil else { return "\(time.milliseconds)ms" }
        return date(parts, "T") + "Z"
    }

    /// UTC in the basic form: `20260105T132031Z`.
    public static func utcBasic(_ time: Timestamp) -> String {
        utcSeconds(time).filter { $0 != "-" && $0 != ":" }
    }

    /// The time of this machine's zone: `2026-01-05 14:20:31 +0100`.
    public static func local(_ time: Timestamp) -> String {
        var value = time_t(time.timespec.seconds)
        var parts = tm()
        guard localtime_r(&value, &parts) != nil else { return "\(time.milliseconds)ms" }
        let minutes = abs(parts.tm_gmtoff) / 60
        let sign = parts.tm_gmtoff < 0 ? "-" : "+"
        return date(parts, " ") + " " + sign + padded(minutes / 60, 2) + padded(minutes % 60, 2)
    }

    private static func date(_ parts: tm, _ separator: String) -> String {
        year(parts) + "-" + padded(Int(parts.tm_mon) + 1, 2) + "-" + padded(Int(parts.tm_mday), 2) + separator
            + [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }.joined(separator: ":")
    }

    private static func year(_ parts: tm) -> String {
        let year = Int(parts.tm_year) + 1900
        return year < 0 ? "-" + padded(-year, 4) : padded(year, 4)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
