import Foundation
import TestSupport
import Testing

/// What a save prints when it went well.
@Suite struct SaveSummaryTests {
    private let setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
    }

    @Test("the plain summary has its lines in their order")
    func plain() throws {
        let result = try setup.program.run("save", "web", "tree")
        #expect(result.status == 0)
        #expect(result.error == "")
        let pattern = #"""
            ^Snapshot channel: web
            Snapshot OID: M[0-9A-F]{64}
            Source size: 9 B
            Total stored: 1\.\d{3} kB \(added 1\.\d{3} kB\)
            Execution time: \d+\.\ds
            $
            """#
        #expect(result.output.range(of: pattern, options: .regularExpression) != nil, "\(result.output)")
    }

    @Test("the JSON summary is one document with the documented keys")
    func json() throws {
        let result = try setup.program.run("save", "--format", "json", "web", "tree")
        #expect(result.status == 0)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(result.outputBytes)) as? [String: Any]
        )
        #expect(
            object.keys.sorted() == [
                "added", "channel", "command", "dry_run", "duration", "entries", "excluded", "object", "size",
                "status", "stored", "time", "unreadable",
            ]
        )
        #expect(object["command"] as? String == "save")
        #expect(object["channel"] as? String == "web")
        #expect(object["size"] as? Int == 9)
        #expect(object["entries"] as? Int == 4)
        #expect(object["status"] as? Int == 0)
        #expect(object["dry_run"] as? Bool == false)
        #expect((object["object"] as? String)?.count == 65)
        #expect((object["time"] as? String)?.hasSuffix("Z") == true)
        #expect(object["stored"] as? Int == object["added"] as? Int)
    }

    @Test("an object without a snapshot is named as data, under the older option too")
    func withoutSnapshot() throws {
        for option in ["--no-snapshot", "--raw", "--no_snapshot"] {
            let result = try setup.program.run("save", option, "tree/a")
            #expect(result.status == 0)
            #expect(result.output.hasPrefix("Data OID: R"))
        }
        let result = try setup.program.run("save", "--no-snapshot", "tree", "--format", "JSON")
        let text = result.output
        #expect(text.contains(#""channel":null"#) && text.contains(#""time":null"#), "\(text)")
        #expect(text.contains(#""object":"M"#))
        #expect(try setup.snapshotCount() == 0)
    }

    @Test("a channel that is not UTF-8 is shown escaped, and in full in JSON")
    func oddChannel() throws {
        let words = ["save", "--format=JSON"].map { Array($0.utf8) } + [[0x66, 0xFF], Array("tree".utf8)]
        let result = try setup.program.run(bytes: words)
        #expect(result.status == 0)
        #expect(result.output.contains(#""channel_base64":"Zv8=""#), "\(result.output)")
        let plain = try setup.program.run(bytes: [words[0], words[2], words[3]])
        #expect(plain.output.hasPrefix("Snapshot channel: f\\xFF\n"))
    }

    @Test("a list is saved channel by channel, all of it even if one fails")
    func list() throws {
        try setup.folder.write(
            "lists/list.ini",
            "[one]\nSourcePath = ../tree\n[gone]\nSourcePath = missing\n[two]\nSourcePath = ../tree/a\n"
                + "SourcePath = ../tree/folder\n"
        )
        let result = try setup.program.run("save", "--from", "lists/list.ini")
        #expect(result.status == 1)
        #expect(
            result.error
                == "rekkord: error: cannot read '\(setup.root)/lists/missing': No such file or directory\n"
        )
        #expect(result.output.contains("Snapshot channel: one\n"))
        #expect(result.output.contains("Snapshot channel: two\n"))
        #expect(try setup.snapshotCount() == 2)
        let json = try setup.program.run("save", "-F", "lists/list.ini", "--format", "JSON")
        let document = try JSONSerialization.jsonObject(with: Data(json.outputBytes)) as? [String: Any]
        let saves = try #require(document?["saves"] as? [[String: Any]])
        #expect(saves.map { $0["status"] as? Int } == [0, 1, 0])
        #expect(document?["status"] as? Int == 1)
    }
}
