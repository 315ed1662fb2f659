import SystemPackage
import Testing

@testable import Core

/// Decisions about names and paths, without any file.
@Suite struct ExcludeRulesTests {
    private func rules(_ patterns: [String]) throws -> ExcludeRules {
        var rules = ExcludeRules()
        for pattern in patterns { try rules.add(pattern.utf8) }
        return rules
    }

    /// Whether an entry below the root `/srv/data` is left out itself; a trailing `/` makes it a folder.
    private func excludes(_ patterns: [String], _ path: String, root: String = "/srv/data") throws -> Bool {
        let rules = try rules(patterns)
        var names = path.split(separator: "/").map { Array($0.utf8) }
        let name = names.removeLast()
        var place = rules.place(ofRoot: Array(root.utf8))
        for name in names { place = rules.place(of: name, in: place) }
        return rules.excludes(name, at: place) { path.hasSuffix("/") }
    }

    @Test("a pattern without a slash matches names at any depth")
    func names() throws {
        for path in ["x.o", "a/b/x.o", "a/x.o/"] { #expect(try excludes(["*.o"], path), "\(path)") }
        for path in ["x.oo", "x.o.c", "o"] { #expect(try !excludes(["*.o"], path), "\(path)") }
        #expect(try excludes(["a?[bc]"], "d/axc") && !excludes(["a?[bc]"], "d/axd"))
    }

    @Test("a trailing slash is for folders only, and is no slash inside")
    func folders() throws {
        #expect(try excludes(["cache/"], "a/b/cache/") && !excludes(["cache/"], "a/b/cache"))
        #expect(try excludes(["/srv/data/a/"], "a/") && !excludes(["/srv/data/a/"], "a"))
    }

    @Test("a leading slash is for absolute paths")
    func absolute() throws {
        #expect(try excludes(["/srv/data/a"], "a") && !excludes(["/srv/data/a"], "b/a"))
        #expect(try !excludes(["/a"], "a") && !excludes(["/srv/data"], "data"))
        #expect(
            try excludes(["/srv/*/a"], "a") && !excludes(["/srv/*/a"], "b/a")
                && excludes(["/srv/**/a"], "b/a")
        )
        #expect(try excludes(["/proc"], "proc/", root: "/") && !excludes(["/proc"], "a/proc/", root: "/"))
    }

    @Test("a slash inside is for paths relative to the operand")
    func relative() throws {
        #expect(try excludes(["a/b"], "a/b") && !excludes(["a/b"], "c/a/b") && !excludes(["data/a"], "a"))
        #expect(try excludes(["a/*"], "a/b") && !excludes(["a/*"], "a/b/c") && excludes(["a/**"], "a/b/c"))
        #expect(try excludes(["**/a"], "a") && excludes(["**/a"], "b/c/a") && !excludes(["**/a"], "ba"))
        #expect(try excludes(["home/*/.cache"], "home/u/.cache/", root: "/"))
    }

    @Test("the last match wins")
    func order() throws {
        #expect(try !excludes(["*.log", "!keep.log"], "a/keep.log"))
        #expect(try excludes(["!keep.log", "*.log"], "a/keep.log"))
        #expect(try excludes(["*.log", "!keep.log", "/srv/data/a/keep.log"], "a/keep.log"))
        // What does not apply decides nothing.
        #expect(try excludes(["*", "!b/"], "b") && !excludes(["*", "!b/"], "b/"))
    }

    @Test("a backslash takes away the meaning of a character, of the first one too")
    func escapes() throws {
        #expect(try excludes([#"\!a"#], "!a") && excludes([##"\#a"##], "#a") && excludes([#"\*"#], "*"))
        #expect(try !excludes([#"\*"#], "a") && excludes(["#a"], "#a"))
    }

    @Test("patterns that match nothing are refused", arguments: ["", "!", "/", "!/", "[", #"a\"#, #"a\/"#])
    func broken(pattern: String) {
        #expect(throws: FormatError.self) { try rules([pattern]) }
    }

    @Test("a file has one pattern a line, and says where it is wrong")
    func file() throws {
        var rules = ExcludeRules()
        var problems = ConfigProblems(path: "list")
        let text = "\u{FEFF}# comment\n\n \t\n*.o\r\n[\n!a.o\n \n b\n"
        rules.add(lines: Array(text.utf8), problems: &problems)
        let error = #expect(throws: RekkordError.self) { try problems.check() }
        #expect(error?.message == "list:5: pattern has '[' without ']'")
        let place = rules.place(ofRoot: Array("/".utf8))
        func excludes(_ name: String) -> Bool {
            rules.excludes(Array(name.utf8), at: place) { false }
        }
        #expect(
            excludes("b.o") && !excludes("a.o") && excludes(" b") && !excludes("b") && !excludes("# comment")
        )
    }

    @Test("bytes that are not text are names like others")
    func bytes() throws {
        var rules = ExcludeRules()
        try rules.add([0xFF, 0x2A])
        let place = rules.place(ofRoot: [0x2F])
        #expect(rules.excludes([0xFF, 0xFE, 0x61], at: place) { false })
        #expect(!rules.excludes([0xFE, 0xFF], at: place) { false })
    }
}
