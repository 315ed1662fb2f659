/// Reads plain decimal digits.
public enum DecimalText {
    /// A non-negative integer without sign, blanks or separators; nil for anything else.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            return nil
        }
        return Int64(text)
    }

    /// An integer of `range`.
    public static func parse(
        _ text: some StringProtocol,
        in range: ClosedRange<Int>
    ) throws(FormatError) -> Int {
        guard let number = parse(text), let value = Int(exactly: number), range.contains(value) else {
            let limits =
                range.upperBound == .max
                ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            throw FormatError("'\(PrintedName.escape(text.utf8))' is not an integer of \(limits)")
        }
        return value
    }
}
