import TestSupport
import Testing

@testable import Core

@Suite struct GlobPatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        try GlobPattern(pattern.utf8).matches(text.utf8)
    }

    @Test("stars, questions and sets stop at a slash, two stars do not")
    func slashes() throws {
        #expect(try matches("web-*", "web-1") && matches("*", "") && matches("**", ""))
        #expect(try !matches("web*", "web/1") && matches("web**", "web/1") && matches("**/1", "a/b/1"))
        #expect(try !matches("a?b", "a/b") && !matches("a[/]b", "a/b") && !matches("a[!x]b", "a/b"))
        #expect(try matches("a/*/c", "a/b/c") && !matches("a/*/c", "a/b/b/c") && matches("a/**/c", "a/b/b/c"))
    }

    @Test("two stars that are all of a component stand for no component too")
    func components() throws {
        #expect(try matches("a/**/b", "a/b") && matches("a/**/b", "a/x/y/b") && matches("**/b", "b"))
        #expect(try !matches("a/**/b", "a/xb") && !matches("**/b", "xb") && !matches("a**/b", "ab"))
        #expect(try !matches("a/**", "a") && matches("a/**", "a/") && matches("a/***/b", "a/b"))
    }

    @Test("a text can be matched piece by piece, and what can match no more is known early")
    func pieces() throws {
        let pattern = try GlobPattern("/home/*/.cache/**/*.tmp".utf8)
        let home = pattern.advance(pattern.start, over: Array("/home/alice/".utf8))
        #expect(!home.isDead)
        #expect(pattern.matches(Array(".cache/x/y.tmp".utf8), from: home))
        #expect(!pattern.matches(Array(".cache/x/y.txt".utf8), from: home))
        #expect(pattern.advance(pattern.start, over: Array("/usr/".utf8)).isDead)
        let long = String(repeating: "a", count: 200)
        let longPattern = try GlobPattern("\(long)*".utf8)
        let middle = longPattern.advance(longPattern.start, over: Array(long.utf8.dropLast(70)))
        #expect(longPattern.matches(Array(long.utf8.prefix(71)), from: middle))
        #expect(!longPattern.matches(Array(long.utf8.prefix(69)), from: middle))
    }

    @Test("sets have ranges, negation and a first bracket")
    func sets() throws {
        #expect(try matches("[a-c]x", "bx") && !matches("[a-c]x", "dx") && matches("[!a-c]", "d"))
        #expect(
            try matches("[^a]", "b") && matches("[]]", "]") && matches("[!]]", "a") && matches("[a-]", "-")
        )
        #expect(try matches(#"[\]a]"#, "]") && matches("[é]", "é") && matches("?", "é"))
    }

    @Test("a backslash takes the next character as it is")
    func escapes() throws {
        #expect(try matches(#"\*"#, "*") && !matches(#"\*"#, "a") && matches(#"\\"#, #"\"#))
    }

    @Test("bytes that are not text are one character each")
    func bytes() throws {
        #expect(try GlobPattern([0x61, 0x3F]).matches([0x61, 0xFF]))
        #expect(try GlobPattern([0xFF, 0x2A]).matches([0xFF, 0xC3, 0xA9]))
        #expect(try !GlobPattern([0xFF]).matches([0xFE]))
    }

    @Test("broken patterns are refused", arguments: ["[", "[]", "[a", "[z-a]", #"a\"#, #"[\"#, "[!", "[a-"])
    func broken(pattern: String) {
        #expect(throws: FormatError.self) { try GlobPattern(pattern.utf8) }
    }

    @Test("many stars take no longer than the product of the lengths")
    func hostile() throws {
        let pattern = String(repeating: "*a", count: 100) + "b"
        #expect(try !matches(pattern, String(repeating: "a", count: 2000)))
    }

    @Test(
        "random patterns of stars and letters agree with a plain definition",
        arguments: 0..<300 as Range<UInt64>
    )
    func reference(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let pattern = (0..<Int.random(in: 0...6, using: &random)).map { _ in
            Array("ab/*?").randomElement(using: &random) ?? "a"
        }
        let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in
            Array("ab/").randomElement(using: &random) ?? "a"
        }
        #expect(
            try matches(String(pattern), String(text)) == Self.plain(pattern[...], text[...], isFirst: true),
            "\(String(pattern)) \(String(text))"
        )
    }

    /// - Parameter isFirst: Whether a component of the pattern begins here.
    private static func plain(
        _ pattern: ArraySlice<Character>,
        _ text: ArraySlice<Character>,
        isFirst: Bool
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if first == "*" {
            let stars = pattern.prefix { $0 == "*" }
            let crosses = stars.count > 1
            let behind = pattern.dropFirst(stars.count)
            if crosses, isFirst, behind.first == "/" {
                return (text.startIndex...text.endIndex).contains { index in
                    let isWhole = index == text.startIndex || text[index - 1] == "/"
                    return isWhole && plain(behind.dropFirst(), text[index...], isFirst: true)
                }
            }
            for index in text.startIndex...text.endIndex {
                if plain(behind, text[index...], isFirst: false) { return true }
                if index == text.endIndex || (!crosses && text[index] == "/") { return false }
            }
        }
        guard let character = text.first, first == character || first == "?" && character != "/" else {
            return false
        }
        return plain(rest, text.dropFirst(), isFirst: first == "/")
    }
}
