import Foundation

/// A manual page of this checkout, split into its sections.
public struct ManPage {
    /// What follows one `.Ss`.
    public struct Subsection {
        /// The rest of its line.
        public let title: String
        /// Everything up to the next part.
        public let lines: [String]

        /// The options that its lists explain, with their dashes.
        public var options: [String] { items("Fl").map { "-" + $0 } }

        /// The keys that its lists explain.
        public var keys: [String] { items("Ic") }

        /// The words after `macro` in the heads of its lists; `, ` repeats the macro only where the page does.
        private func items(_ macro: String) -> [String] {
            lines.filter { $0.hasPrefix(".It \(macro) ") }.flatMap { line in
                var current = ""
                return line.split(separator: " ").dropFirst().compactMap { word -> String? in
                    switch word {
                    case "Fl", "Ic", "Ar", "Cm", "Ns", "Op":
                        current = String(word)
                        return nil
                    case ",", ":": return nil
                    default: return current == macro ? String(word) : nil
                    }
                }
            }
        }
    }

    private let text: [String]

    /// Reads `man/NAME`.
    public init(named name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(components: "man", name), encoding: .utf8)
        text = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The lines of one `.Sh` section.
    public func lines(of section: String) -> [String] {
        guard let start = text.firstIndex(of: ".Sh " + section) else { return [] }
        return Array(text[(start + 1)...].prefix { !$0.hasPrefix(".Sh ") })
    }

    /// The `.Ss` parts of one `.Sh` section.
    public func subsections(of section: String) -> [Subsection] {
        let lines = lines(of: section)
        return lines.indices.filter { lines[$0].hasPrefix(".Ss ") }.map { start in
            Subsection(
                title: String(lines[start].dropFirst(4)),
                lines: Array(lines[(start + 1)...].prefix { !$0.hasPrefix(".Ss ") })
            )
        }
    }

    /// The lines of the literal block that follows the line `text` in a section.
    public func literal(after line: String, of section: String) -> [String] {
        let lines = lines(of: section)
        guard let start = lines.firstIndex(of: line),
            let open = lines[start...].firstIndex(where: { $0.hasPrefix(".Bd -literal") })
        else { return [] }
        return Array(lines[(open + 1)...].prefix { $0 != ".Ed" })
    }
}
