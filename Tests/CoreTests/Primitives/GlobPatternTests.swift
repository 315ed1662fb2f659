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
            try matches(String(pattern), String(text)) == Self.plain(pattern[...], text[...]),
            "\(String(pattern)) \(String(text))"
        )
    }

    private static func plain(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if first == "*" {
            let stars = pattern.prefix { $0 == "*" }
            let crosses = stars.count > 1
            for index in text.startIndex...text.endIndex {
                if plain(pattern.dropFirst(stars.count), text[index...]) { return true }
                if index == text.endIndex || (!crosses && text[index] == "/") { return false }
            }
        }
        guard let character = text.first, first == character || first == "?" && character != "/" else {
            return false
        }
        return plain(rest, text.dropFirst())
    }
}
