import Glibc

/// The forms of time that servers answer with.
extension CalendarTime {
    /// Reads `2026-01-05T13:20:31Z`, with or without a fraction; nil for anything else.
    static func parseUTC(_ text: some StringProtocol) -> Timestamp? {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].hasSuffix("Z") else { return nil }
        let day = numbers(parts[0], separator: "-", widths: [4, 2, 2])
        let clock = parts[1].dropLast().split(separator: ".", omittingEmptySubsequences: false)
        guard let day, (1...2).contains(clock.count),
            let time = numbers(clock[0], separator: ":", widths: [2, 2, 2])
        else {
            return nil
        }
        var milliseconds = 0
        if clock.count == 2 {
            guard (1...9).contains(clock[1].utf8.count), let fraction = digits(clock[1].prefix(3)),
                digits(clock[1]) != nil
            else {
                return nil
            }
            milliseconds = [100, 10, 1][min(clock[1].utf8.count, 3) - 1] * fraction
        }
        return timestamp(day: day, time: time, milliseconds: milliseconds)
    }

    /// Reads the preferred form of HTTP, `Mon, 05 Jan 2026 13:20:31 GMT`; nil for anything else.
    ///
    /// - Source: RFC 9110, 5.6.7.
    static func parseHTTP(_ text: some StringProtocol) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[5] == "GMT", words[1].utf8.count == 2, words[3].utf8.count == 4,
            let day = digits(words[1]), let year = digits(words[3]),
            let month = months.firstIndex(where: { $0 == words[2] }),
            let time = numbers(words[4], separator: ":", widths: [2, 2, 2])
        else {
            return nil
        }
        return timestamp(day: [year, month + 1, day], time: time, milliseconds: 0)
    }

    private static func timestamp(day: [Int], time: [Int], milliseconds: Int) -> Timestamp? {
        guard (1...12).contains(day[1]), (1...31).contains(day[2]), time[0] < 24, time[1] < 60, time[2] <= 60
        else {
            return nil
        }
        var parts = tm()
        parts.tm_year = Int32(day[0] - 1900)
        parts.tm_mon = Int32(day[1] - 1)
        parts.tm_mday = Int32(day[2])
        parts.tm_hour = Int32(time[0])
        parts.tm_min = Int32(time[1])
        parts.tm_sec = Int32(time[2])
        return Timestamp(milliseconds: Int64(timegm(&parts)) * 1000 + Int64(milliseconds))
    }

    private static func numbers(
        _ text: some StringProtocol,
        separator: Character,
        widths: [Int]
    ) -> [Int]? {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == widths else { return nil }
        let values = parts.compactMap { digits($0) }
        return values.count == widths.count ? values : nil
    }

    private static func digits(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }
}
