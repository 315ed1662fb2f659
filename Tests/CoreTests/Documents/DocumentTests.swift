import SystemPackage
import TestSupport
import Testing

@testable import Core

/// Compares the manual pages with what the code does, so that they cannot drift.
@Suite struct DocumentTests {
    @Test("rekkord-format(5) shows the gear table that the code uses")
    func gearTable() throws {
        let page = try ManPage(named: "rekkord-format.5")
        let shown = page.literal(after: "The gear table, index 0 first:", of: "EXAMPLES")
            .flatMap { $0.split(separator: " ") }.map { UInt32($0, radix: 16) }
        #expect(shown == GearTable.constants)
    }

    @Test("each key that rekkord.ini(5) explains is read")
    func documentedKeys() throws {
        let documented = try Self.documentedKeys()
        #expect(documented.count > 40)
        for (section, key) in documented {
            for text in Self.errors("[\(section)]\n\(key) = 1\n") {
                #expect(!text.contains("unknown"), "\(text)")
            }
        }
    }

    @Test("rekkord.ini(5) explains each key that is read")
    func readKeys() throws {
        let documented = Set(try Self.documentedKeys().map { "\($0.section) \($0.key)" })
        let sections = Set(try Self.documentedKeys().map(\.section))
        let words = Set(try Self.documentedKeys().map(\.key))
        // A key that one section knows is tried in all; the answer must be what the page says.
        for section in sections {
            for key in words {
                let isRead = !Self.errors("[\(section)]\n\(key) = 1\n").contains {
                    $0.contains("unknown key")
                }
                #expect(isRead == documented.contains("\(section) \(key)"), "[\(section)] \(key)")
            }
        }
    }

    @Test("the examples of rekkord.ini(5) load as they stand")
    func examples() throws {
        let examples = try ManPage(named: "rekkord.ini.5").lines(of: "EXAMPLES").split(separator: ".Ed").map {
            $0.drop { !$0.hasPrefix(".Bd") }.dropFirst().joined(separator: "\n")
        }
        let files = try examples.map { try ConfigFile($0.utf8, path: "/etc/rekkord/rekkord.ini") }
        #expect(files.map(\.warnings) == [[], []])
        #expect(files.map(\.keyFile?.value) == ["/etc/rekkord/web.key", "/etc/rekkord/web.key"])
        #expect(files.map(\.retainSeconds?.value) == [nil, 30 * 86400])
    }

    private static func documentedKeys() throws -> [(section: String, key: String)] {
        try ManPage(named: "rekkord.ini.5").subsections(of: "KEYS").flatMap { part in
            part.keys.map { (String(part.title.dropFirst("Section ".count)), $0) }
        }
    }

    private static func errors(_ text: String) -> [String] {
        do throws(RekkordError) {
            _ = try ConfigFile(text.utf8, path: "/etc/rekkord/rekkord.ini")
            return []
        } catch {
            return [error.message] + error.details
        }
    }
}
