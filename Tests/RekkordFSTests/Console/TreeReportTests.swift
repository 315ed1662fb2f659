import Core
import TestSupport
import Testing

@testable import RekkordFS

@Suite struct TreeReportTests {
    private let test: TestRepository
    private let snapshot: ObjectID
    private let names: [String: Entry]

    init() throws {
        test = try TestRepository()
        var odd = try test.file("odd", "1")
        odd.name = [0x6C, 0xE9]
        var timed = try test.file("timed", "12", mode: 0o4755)
        timed.flags.insert(.accessTime)
        timed.atime = Timestamp(milliseconds: 1_757_468_009_000)
        var unknown = TestRepository.entry("lost", .directory)
        unknown.flags = []
        let docs = try test.folder("docs", [odd, timed])
        let entries = [
            docs, try test.link("current", "docs"), unknown,
            TestRepository.entry("pipe", .unknown, mode: 0o600),
            TestRepository.entry("locked", .directory, mode: 0o700),
            TestRepository.entry("secret", .file, size: 9),
        ]
        let home = try test.folder("home/alice", entries, mode: 0o750)
        snapshot = try test.snapshot("web", milliseconds: 1_757_468_311_000, [home])
        var names: [String: Entry] = [:]
        for entry in entries + [home, odd, timed] {
            names[String(decoding: entry.name, as: UTF8.self)] = entry
        }
        self.names = names
    }

    private func list(
        _ text: String,
        _ format: OutputFormat = .plain,
        recurse: Bool = false,
        verbosity: Int = 0,
        limit: Int = .max
    ) throws -> (text: String, warnings: [String], errors: [String], failures: Int) {
        let printed = PrintedText()
        let warnings = PrintedText()
        let errors = PrintedText()
        let resolver = SnapshotResolver(test.repository) { warnings.emit($0 + "\n") }
        var report = TreeReport(
            resolver.reader,
            isRecursive: recurse,
            format: format,
            verbosity: verbosity,
            emit: printed.emit,
            warn: { warnings.emit($0 + "\n") },
            report: { errors.emit($0.message + "\n") },
            check: { () throws(RekkordError) in
                if printed.text.utf8.count > limit { throw RekkordError(.system, "full") }
            }
        )
        do {
            switch try resolver.resolve(Identifier(Array(text.utf8))) {
            case .snapshot(let snapshot): try report.print(snapshot)
            case .folder(let folder): try report.print(folder.view, name: text)
            case .repository, .leaf: Issue.record("nothing to list")
            }
        } catch {
            guard error.message == "full" else { throw error }
            errors.emit("full\n")
        }
        let lines = { (text: PrintedText) in text.text.split(separator: "\n").map(String.init) }
        return (printed.text, lines(warnings), lines(errors), report.failureCount)
    }

    private func id(_ name: String) -> String { names[name]?.objectID?.description ?? "none" }

    private var time: String { CalendarTime.local(Timestamp(milliseconds: 1_757_468_000_123)) }
    private var snapshotTime: String { CalendarTime.local(Timestamp(milliseconds: 1_757_468_311_000)) }

    /// Pads like the columns of the listing.
    private func line(_ start: String, _ mode: String, _ end: String) -> String {
        start + String(repeating: " ", count: 61 - start.count) + mode
            + String(repeating: " ", count: 7 - mode.count)
            + end + "\n"
    }

    @Test("a snapshot shows itself and its saved paths")
    func plainSnapshot() throws {
        let expected =
            line("[S] web", "", snapshotTime) + line("  [D] home/alice/", "(0750)", time)
        #expect(try list("web").text == expected)
        #expect(try list(snapshot.description).text == expected)
        #expect(try list("web:home").text == line("[D] alice/", "(0750)", time))
    }

    @Test("a recursive listing is indented and shows what each kind has")
    func plainTree() throws {
        var expected = line("[S] web", "", snapshotTime)
        expected += line("  [D] home/alice/", "(0750)", time)
        expected += line("    [D] docs/", "(0755)", time)
        expected += line("      [F] l\\xE9", "(0644)", time + "  1 B")
        expected += line("      [F] timed", "(4755)", time + "  2 B")
        expected += line("    [L] current", "", time)
        expected += "    [U] lost\n"
        expected += line("    [U] pipe", "(0600)", time)
        expected += line("    [D] locked/", "(0700)", time)
        expected += line("    [F] secret", "(0644)", time)
        let result = try list("web", recurse: true)
        #expect(result.text == expected)
        #expect(result.warnings.isEmpty && result.errors.isEmpty && result.failures == 0)
    }

    @Test("more detail follows each line, two blanks deeper")
    func verbose() throws {
        let tag = try #require(test.repository.listTags().tags.first)
        let birth = CalendarTime.local(Timestamp(milliseconds: 1_757_468_000_000))
        let stored = HumanText.size(tag.stored)
        let added = HumanText.size(tag.added)
        var expected = line("[S] web", "", snapshotTime)
        expected += "  + OID: \(snapshot)\n  + Stored: \(stored)\n  + Added: \(added)\n"
        expected += line("  [D] home/alice/", "(0750)", time)
        expected += "    + OID: \(id("home/alice"))\n    + UID/GID: 1000:1000\n"
        #expect(try list("web", verbosity: 1).text == expected)
        expected += "    + Birth: \(birth)\n"
        #expect(try list("web", verbosity: 2).text == expected)
        #expect(try list("web:home/alice", verbosity: 2).text.contains("\n[U] lost\n[U] pipe"))
        #expect(
            try list("web:home/alice", verbosity: 1).text
                .contains(line("[D] locked/", "(0700)", time) + "  + UID/GID: 1000:1000\n[F] secret")
        )
    }

    @Test("JSON has every documented key and leaves out what is not known")
    func json() throws {
        let tag = try #require(test.repository.listTags().tags.first)
        let times =
            #""mtime": "2025-09-10T01:33:20.123Z", "ctime": "2025-09-10T01:33:20.456Z", "#
            + #""btime": "2025-09-10T01:33:20.000Z""#
        let owner = #""uid": 1000, "gid": 1000"#
        #expect(
            try list("web", .json, recurse: true).text == """
                [
                {"type": "Snapshot", "name": "web", "object": "\(snapshot)", "time": "2025-09-10T01:38:31.000Z", \
                "stored": \(tag.stored), "added": \(tag.added), "children": [
                {"type": "Directory", "name": "home/alice", "object": "\(id("home/alice"))", \(times), \
                "mode": "0o750", \(owner), "children": [
                {"type": "Directory", "name": "docs", "object": "\(id("docs"))", \(times), "mode": "0o755", \
                \(owner), "children": [
                {"type": "File", "name": "l\u{FFFD}", "name_base64": "bOk=", "object": "\(id("l\u{FFFD}"))", \
                \(times), "mode": "0o644", \(owner), "size": 1},
                {"type": "File", "name": "timed", "object": "\(id("timed"))", \(times), \
                "atime": "2025-09-10T01:33:29.000Z", "mode": "0o4755", \(owner), "size": 2}
                ]},
                {"type": "Link", "name": "current", "object": "\(id("current"))", \(times), \(owner)},
                {"type": "Unknown", "name": "lost", "object": null},
                {"type": "Unknown", "name": "pipe", "object": null, \(times), "mode": "0o600", \(owner)},
                {"type": "Directory", "name": "locked", "object": null, \(times), "mode": "0o700", \(owner)},
                {"type": "File", "name": "secret", "object": null, \(times), "mode": "0o644", \(owner)}
                ]}
                ]}
                ]

                """
        )
    }

    @Test("XML nests elements named by kind")
    func xml() throws {
        let times =
            #"Mtime="2025-09-10T01:33:20.123Z" Ctime="2025-09-10T01:33:20.456Z" "#
            + #"Btime="2025-09-10T01:33:20.000Z""#
        let owner = #"UID="1000" GID="1000""#
        #expect(
            try list("web:home/alice", .xml, recurse: true).text == """
                <?xml version="1.0"?>
                <Tree>
                  <Directory Name="docs" Object="\(id("docs"))" \(times) Mode="0o755" \(owner)>
                    <File Name="l\u{FFFD}" NameBase64="bOk=" Object="\(id("l\u{FFFD}"))" \(times) Mode="0o644" \
                \(owner) Size="1" />
                    <File Name="timed" Object="\(id("timed"))" \(times) Atime="2025-09-10T01:33:29.000Z" \
                Mode="0o4755" \(owner) Size="2" />
                  </Directory>
                  <Link Name="current" Object="\(id("current"))" \(times) \(owner) />
                  <Unknown Name="lost" />
                  <Unknown Name="pipe" \(times) Mode="0o600" \(owner) />
                  <Directory Name="locked" \(times) Mode="0o700" \(owner) />
                  <File Name="secret" \(times) Mode="0o644" \(owner) />
                </Tree>

                """
        )
    }

    @Test("without recursion a folder below has no children in a document")
    func levels() throws {
        #expect(try !list("web:home", .json).text.contains("children"))
        #expect(try list("web:home/alice/docs", .json).text.contains("timed"))
        let empty = try test.store([])
        #expect(try list(empty.description, .json).text == "[]\n")
        #expect(try list(empty.description, .xml).text == "<?xml version=\"1.0\"?>\n<Tree />\n")
        #expect(try list(empty.description).text == "")
    }

    @Test("a damaged folder is reported and the document is whole")
    func damage() throws {
        let docs = try #require(names["docs"]?.objectID)
        test.storage[docs.objectName] = nil
        let result = try list("web", .json, recurse: true)
        #expect(
            result.errors == ["cannot read 'home/alice/docs': \(docs): object is missing"]
                && result.failures == 1
        )
        #expect(result.text.hasSuffix("]}\n]}\n]\n") && result.text.contains("\"secret\""))
    }

    @Test("a listing that cannot be written ends, and its document is whole")
    func full() throws {
        let result = try list("web", .json, recurse: true, limit: 500)
        #expect(result.errors == ["full"] && !result.text.contains("secret"))
        #expect(result.text.hasSuffix("}\n]}\n]}\n]\n") || result.text.hasSuffix("}\n]}\n]\n"))
    }

    @Test("entries that are hidden because of their names are counted in a warning")
    func hidden() throws {
        let inner = try test.folder("inner", [test.file("..", "x"), test.file("ok", "y")])
        let file = try test.file("a", "x")
        let id = try test.store([file, file, test.file("a/b", "x"), inner])
        let result = try list(id.description, recurse: true)
        #expect(
            result.warnings == [
                "cannot show 2 entries of '\(id)': bad or repeated name",
                "cannot show 1 entry of 'inner': bad or repeated name",
            ]
        )
        #expect(result.text.split(separator: "\n").count == 3)
    }

    @Test("a path saved by itself shows at its own place too")
    func nested() throws {
        let stored = try test.folder("srv", [test.folder("www", [test.file("old", "1")])])
        let own = try test.folder("srv/www", [test.file("new", "2")], mode: 0o711)
        try test.snapshot("nested", milliseconds: 1, [stored, own])
        let text = try list("nested", recurse: true).text
        #expect(!text.contains("old") && text.contains("    [D] www/") && text.contains("      [F] new"))
        #expect(try list("nested:srv").text == line("[D] www/", "(0711)", time))
    }
}
