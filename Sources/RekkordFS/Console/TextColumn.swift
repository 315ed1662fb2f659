extension String {
    /// The text, and blanks after it up to `width` characters.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// The text, and blanks before it up to `width` characters.
    func rightAligned(in width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// The text without the blanks at its end.
    var withoutTrailingBlanks: String {
        guard let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[...last])
    }
}
