/// Writes the text of a configuration file, so that `ConfigFile` reads the same values back.
///
/// - Source: rekkord.ini(5).
public struct ConfigText: Sendable {
    /// The text so far.
    public private(set) var bytes: [UInt8] = []

    /// Starts without any line.
    public init() {}

    /// Appends a line that means nothing.
    public mutating func comment(_ text: String) {
        bytes += Array("# \(text)\n".utf8)
    }

    /// Starts a section.
    public mutating func section(_ name: String) {
        bytes += Array("\n[\(name)]\n".utf8)
    }

    /// Appends a key of the section.
    ///
    /// - Throws: When no line can hold the value; the reason never shows it, since it may be a secret.
    public mutating func set(_ key: String, _ value: [UInt8]) throws(FormatError) {
        let quote = UInt8(ascii: "\"")
        if value.isEmpty || value.contains(0) || value.contains(INIDocument.lineFeed) {
            throw FormatError("\(key) cannot be empty or hold a line break")
        }
        var line = value
        if Self.needsQuotes(value) {
            if value.contains(quote) {
                throw FormatError("\(key) cannot hold both '\"' and blanks or comment marks that need quotes")
            }
            line = [quote] + value + [quote]
        }
        bytes += Array("\(key) = ".utf8) + line + [INIDocument.lineFeed]
    }

    /// Whether a reader would take something off the value, or take it for a quoted one.
    private static func needsQuotes(_ value: [UInt8]) -> Bool {
        if value.first == UInt8(ascii: "\"") { return true }
        var isAfterBlank = true
        for byte in value {
            if isAfterBlank, INIDocument.commentMarks.contains(byte) { return true }
            isAfterBlank = INIDocument.isBlank(byte)
        }
        return isAfterBlank || value.first.map(INIDocument.isBlank) == true
    }
}
