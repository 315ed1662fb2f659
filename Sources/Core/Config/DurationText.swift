/// Reads and shows durations in whole seconds: `30d`, `24h`, `15m`, `60s`, `0`.
///
/// - Source: rekkord.ini(5).
public enum DurationText {
    private static let units: [(name: Character, seconds: Int64)] = [
        ("d", 86400), ("h", 3600), ("m", 60), ("s", 1),
    ]

    /// Reads a non-negative integer with one unit; a bare `0` is fine.
    public static func parse(_ text: some StringProtocol) throws(FormatError) -> Int64 {
        if text == "0" { return 0 }
        let shown = PrintedName.escape(text.utf8)
        guard let last = text.last, let unit = units.first(where: { $0.name == last }) else {
            let isNumber = DecimalText.parse(text) != nil
            throw FormatError(
                isNumber ? "'\(shown)' needs a unit: s, m, h or d" : "'\(shown)' is not a duration"
            )
        }
        guard let number = DecimalText.parse(text.dropLast()) else {
            throw FormatError("'\(shown)' is not a duration")
        }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: unit.seconds)
        if overflow { throw FormatError("'\(shown)' is too long") }
        return seconds
    }

    /// The shortest exact form: 86400 is `1d`, 90 is `90s`.
    public static func describe(_ seconds: Int64) -> String {
        let unit = units.first { seconds != 0 && seconds % $0.seconds == 0 }
        return unit.map { "\(seconds / $0.seconds)\($0.name)" } ?? "0"
    }
}
