import Foundation
import TestSupport
import Testing

/// The options that leave something out, as typed.
@Suite struct SaveExcludeCommandTests {
    private let setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
        for name in ["one.o", "folder/two.o", "folder/keep.o", "cache/x"] {
            try setup.folder.write("tree/\(name)", name)
        }
    }

    private func summary(_ arguments: [String]) throws -> [String: Any] {
        let words = ["save", "--format", "JSON"] + arguments + ["web", "tree"]
        let result = try setup.program.run(bytes: words.map { Array($0.utf8) })
        #expect(result.status == 0 && result.error == "", "\(arguments): \(result.error)")
        let object = try JSONSerialization.jsonObject(with: Data(result.outputBytes))
        return try #require(object as? [String: Any])
    }

    @Test("patterns of files come before those of options, whatever their order on the command line")
    func order() throws {
        try setup.folder.write("lists/first", "# objects\n*.o\ncache/\n")
        try setup.folder.write("lists/second", "!keep.o\n")
        let excluded = try summary([
            "--exclude", "!two.o", "--exclude-from", "lists/first", "--exclude-from=lists/second",
        ])
        #expect(excluded["excluded"] as? Int == 2)
        #expect(excluded["entries"] as? Int == 6)
        #expect(try summary(["--exclude", "*.o"])["excluded"] as? Int == 3)
        #expect(try summary(["--exclude", "\(setup.root)/tree/cache"])["excluded"] as? Int == 1)
        #expect(try summary(["--exclude=folder/*.o", "-x"])["excluded"] as? Int == 2)
    }

    @Test("marked folders keep nothing but the marker")
    func markers() throws {
        try setup.folder.write("tree/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
        try setup.folder.write("tree/folder/.skip", "")
        #expect(
            try summary(["--exclude-caches", "--exclude-if-present", ".skip"])["excluded"] as? Int == 4
        )
    }

    @Test("bad patterns and names are usage errors that say where they stand")
    func errors() throws {
        try setup.folder.write("patterns", "*.o\n[a\n\n/\n")
        let hint = "rekkord: hint: see 'rekkord save --help'\n"
        for (arguments, message) in [
            (["--exclude", "["], "'--exclude': pattern has '[' without ']'\n" + hint),
            (["--exclude", "!"], "'--exclude': pattern names nothing\n" + hint),
            (["--exclude-if-present", "a/b"], "'--exclude-if-present': bad name\n" + hint),
            (["--exclude-from", "absent"], "cannot read 'absent': No such file or directory\n"),
            (
                ["--exclude-from", "patterns"],
                "patterns:2: pattern has '[' without ']'\n"
                    + "rekkord: error: patterns:4: pattern names nothing\n"
            ),
        ] as [([String], String)] {
            let words = ["save"] + arguments + ["web", "tree"]
            let result = try setup.program.run(bytes: words.map { Array($0.utf8) })
            #expect(result.status == 64, "\(arguments)")
            #expect(result.error == "rekkord: error: " + message, "\(arguments)")
        }
        #expect(try setup.snapshotCount() == 0)
    }

    @Test("a dry run says so, and writes neither to the repository nor to the cache")
    func dryRun() throws {
        let state = "find repo home -type f -printf '%p %T@ %s\\n' 2>/dev/null | sort"
        func files() throws -> String { try Program.shell(in: setup.folder.path, state).output }
        let before = try files()
        for _ in 0..<2 {
            let result = try setup.program.run("save", "-n", "--cache-dir", "home/cache", "web", "tree")
            #expect(result.status == 0 && result.error == "")
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == 4 && lines.first == "Snapshot channel: web", "\(lines)")
            #expect(lines.last?.hasSuffix("s [dry run]") == true)
        }
        #expect(try files() == before)
        let json = try summary(["--dry-run"])
        #expect(json["dry_run"] as? Bool == true)
        #expect(json["object"] is NSNull && json["time"] is NSNull && json["channel"] as? String == "web")
        let real = try summary([])
        #expect(json["added"] as? Int == real["added"] as? Int)
        #expect(json["stored"] as? Int == real["stored"] as? Int)
    }
}
