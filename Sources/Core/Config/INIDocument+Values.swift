extension INIDocument.Entry {
    /// The value of a string key: white space plus `#…` is removed, `;` belongs to the value.
    ///
    /// - Throws: When it is empty or badly quoted; the reason never holds the value, which may be a secret.
    public func text() throws(FormatError) -> [UInt8] {
        let value = try value(commentMarks: [UInt8(ascii: "#")])
        if value.isEmpty { throw FormatError("\(key) has no value") }
        return value
    }

    /// The value of a number, boolean, duration, size or keyword: white space plus `#…` or `;…` is removed.
    public func word() throws(FormatError) -> String {
        let value = try value(commentMarks: INIDocument.commentMarks)
        if value.isEmpty { throw FormatError("\(key) has no value") }
        guard let word = String(validating: value, as: UTF8.self) else {
            throw FormatError("\(key): '\(PrintedName.escape(value))' is not text")
        }
        return word
    }

    /// The value without quotes and trailing comment.
    private func value(commentMarks: [UInt8]) throws(FormatError) -> [UInt8] {
        let trimmed = INIDocument.trim(rawValue[...])
        guard trimmed.first == UInt8(ascii: "\"") else {
            return Array(INIDocument.trim(withoutComment(commentMarks)))
        }
        let inside = trimmed.dropFirst()
        guard let end = inside.firstIndex(of: UInt8(ascii: "\"")) else {
            throw FormatError("\(key): the closing quote is missing")
        }
        let rest = INIDocument.trim(inside[(end + 1)...])
        if let first = rest.first, !commentMarks.contains(first) {
            throw FormatError("\(key): only a comment may follow the closing quote")
        }
        return Array(inside[..<end])
    }

    private func withoutComment(_ marks: [UInt8]) -> ArraySlice<UInt8> {
        for index in rawValue.indices.dropFirst()
        where marks.contains(rawValue[index]) && INIDocument.isBlank(rawValue[index - 1]) {
            return rawValue[..<index]
        }
        return rawValue[...]
    }
}
