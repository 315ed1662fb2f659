/// Words numbers for people.
///
/// - Source: rekkord(1).
enum HumanText {
    private static let units = ["B", "kB", "MB", "GB", "TB"]

    /// Decimal units and four significant digits: `241 B`, `54.75 MB`.
    static func size(_ byteCount: Int64) -> String {
        var divisor: Int64 = 1
        var unit = 0
        let magnitude = byteCount.magnitude
        // 999,950 would round to 1000 kB with four digits, so it moves on to the next unit.
        while unit + 1 < units.count, magnitude >= UInt64(divisor) * 1000 - UInt64(divisor) / 20 {
            divisor *= 1000
            unit += 1
        }
        if unit == 0 { return "\(byteCount) B" }
        return fixed(Double(byteCount) / Double(divisor), significant: 4) + " " + units[unit]
    }

    /// Seconds with one decimal: `12.3s`.
    static func duration(seconds: Double) -> String {
        decimal(seconds, places: 1) + "s"
    }

    /// What remains, in the two largest units: `1h05m`, `3m20s`, `45s`.
    static func remaining(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e7 else { return "?" }
        let seconds = Int(seconds.rounded(.up))
        func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if seconds >= 3600 { return "\(seconds / 3600)h\(padded(seconds % 3600 / 60))m" }
        if seconds >= 60 { return "\(seconds / 60)m\(padded(seconds % 60))s" }
        return "\(seconds)s"
    }

    private static func fixed(_ value: Double, significant: Int) -> String {
        let magnitude = value.magnitude
        let before = magnitude < 9.9995 ? 1 : magnitude < 99.995 ? 2 : magnitude < 999.95 ? 3 : 4
        return decimal(value, places: max(0, significant - before))
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = (value * Double(scale)).rounded()
        guard scaled.magnitude < 9e18 else { return "\(value)" }
        let number = Int64(scaled)
        let digits = String(number.magnitude % UInt64(scale))
        let fraction = places == 0 ? "" : "." + String(repeating: "0", count: places - digits.count) + digits
        return (number < 0 ? "-" : "") + "\(number.magnitude / UInt64(scale))" + fraction
    }
}
