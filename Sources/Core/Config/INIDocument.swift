/// Splits an INI file into sections, keys and raw values, without knowing what they mean.
///
/// - Source: rekkord.ini(5).
public struct INIDocument: Sendable {
    /// `[name]` at a line.
    public struct Section: Sendable {
        /// The bytes between the brackets, trimmed.
        public let name: [UInt8]
        /// Counted from 1.
        public let line: Int
    }

    /// `Key = Value` at a line; `text` and `word` read the value.
    public struct Entry: Sendable {
        /// The section it stands in.
        public let section: [UInt8]
        /// The trimmed name; bytes that are not UTF-8 are replaced, and no known key has such.
        public let key: String
        /// Everything behind the `=`.
        let rawValue: [UInt8]
        /// Counted from 1.
        public let line: Int
    }

    /// The largest file that is read.
    public static let maxByteCount = 1 << 20

    /// In file order.
    public private(set) var sections: [Section] = []
    /// In file order; a key that must not be repeated appears once.
    public private(set) var entries: [Entry] = []

    /// Reads a whole file; lines that cannot be understood end up in `problems`.
    ///
    /// - Parameter repeatableKeys: The keys that a section may hold more than once.
    public init(
        _ bytes: some Collection<UInt8>,
        repeatableKeys: Set<String> = [],
        problems: inout ConfigProblems
    ) {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var bytes = Array(bytes)[...]
        if bytes.starts(with: byteOrderMark) { bytes = bytes.dropFirst(byteOrderMark.count) }

        var firstLines: [[UInt8]: [String: Int]] = [:]
        for (index, line) in bytes.split(separator: Self.lineFeed, omittingEmptySubsequences: false)
            .enumerated()
        {
            do {
                try read(Self.trim(line), line: index + 1, repeatableKeys, &firstLines)
            } catch {
                problems.add(error.reason, line: index + 1)
            }
        }
    }

    private mutating func read(
        _ text: ArraySlice<UInt8>,
        line: Int,
        _ repeatableKeys: Set<String>,
        _ firstLines: inout [[UInt8]: [String: Int]]
    ) throws(FormatError) {
        guard let first = text.first, !Self.commentMarks.contains(first) else { return }
        if text.contains(0) { throw FormatError("a line must not hold NUL") }
        if first == UInt8(ascii: "[") {
            sections.append(Section(name: try Self.sectionName(text), line: line))
            return
        }
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex else {
            throw FormatError("expected '[Section]' or 'Key = Value'")
        }
        let key = String(decoding: Self.trim(text[..<equals]), as: UTF8.self)
        guard let section = sections.last?.name else {
            throw FormatError("'\(PrintedName.escape(key.utf8))' stands before any [Section]")
        }
        if !repeatableKeys.contains(key) {
            if let earlier = firstLines[section]?[key] {
                throw FormatError("'\(PrintedName.escape(key.utf8))' is repeated, first on line \(earlier)")
            }
            firstLines[section, default: [:]][key] = line
        }
        entries.append(Entry(section: section, key: key, rawValue: Array(text[(equals + 1)...]), line: line))
    }

    private static func sectionName(_ text: ArraySlice<UInt8>) throws(FormatError) -> [UInt8] {
        guard let end = text.lastIndex(of: UInt8(ascii: "]")) else {
            throw FormatError("']' is missing after the section name")
        }
        let rest = trim(text[(end + 1)...])
        if let first = rest.first, !commentMarks.contains(first) {
            throw FormatError("only a comment may follow ']'")
        }
        let name = trim(text[(text.startIndex + 1)..<end])
        if name.isEmpty { throw FormatError("the section has no name") }
        return Array(name)
    }
}

extension INIDocument {
    static let lineFeed = UInt8(ascii: "\n")
    static let commentMarks: [UInt8] = [UInt8(ascii: "#"), UInt8(ascii: ";")]

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    static func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }
}
