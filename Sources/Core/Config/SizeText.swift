/// Reads sizes in bytes: an integer with an optional unit `B k M G T`, powers of 1000.
///
/// - Source: rekkord.ini(5).
public enum SizeText {
    private static let units: [Character: Int] = [
        "B": 1, "k": 1000, "K": 1000, "M": 1_000_000, "G": 1_000_000_000, "T": 1_000_000_000_000,
    ]

    /// Reads a non-negative count of bytes.
    public static func parse(_ text: some StringProtocol) throws(FormatError) -> Int {
        let shown = PrintedName.escape(text.utf8)
        let unit = text.last.flatMap { units[$0] }
        guard let number = DecimalText.parse(unit == nil ? text[...] : text.dropLast()) else {
            throw FormatError("'\(shown)' is not a size")
        }
        let (byteCount, overflow) = Int(number).multipliedReportingOverflow(by: unit ?? 1)
        if overflow { throw FormatError("'\(shown)' is too large") }
        return byteCount
    }
}
