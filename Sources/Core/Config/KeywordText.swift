/// Reads words of a closed list, in any case.
public enum KeywordText {
    /// Reads a boolean: `1 on yes y true` or `0 off no n false`.
    public static func parseBoolean(_ text: some StringProtocol) throws(FormatError) -> Bool {
        switch text.lowercased() {
        case "1", "on", "yes", "y", "true": return true
        case "0", "off", "no", "n", "false": return false
        default: throw FormatError("'\(PrintedName.escape(text.utf8))' is neither yes nor no")
        }
    }

    /// Reads the raw value of one case.
    public static func parse<Keyword: CaseIterable & RawRepresentable<String>>(
        _ text: some StringProtocol,
        as type: Keyword.Type
    ) throws(FormatError) -> Keyword {
        let wanted = text.lowercased()
        if let keyword = Keyword.allCases.first(where: { $0.rawValue.lowercased() == wanted }) {
            return keyword
        }
        let choices = Keyword.allCases.map(\.rawValue).joined(separator: ", ")
        throw FormatError("'\(PrintedName.escape(text.utf8))' is none of \(choices)")
    }
}
