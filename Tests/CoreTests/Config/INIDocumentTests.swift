import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct INIDocumentTests {
    /// Reads `text` and returns the entries and the errors, without the file's name.
    private func read(_ text: String, repeatable: Set<String> = []) -> (INIDocument, [String]) {
        read(Array(text.utf8), repeatable: repeatable)
    }

    private func read(_ bytes: [UInt8], repeatable: Set<String> = []) -> (INIDocument, [String]) {
        var problems = ConfigProblems(path: "f")
        let document = INIDocument(bytes, repeatableKeys: repeatable, problems: &problems)
        do throws(RekkordError) {
            try problems.check()
            return (document, [])
        } catch {
            return (document, [error.message] + error.details)
        }
    }

    private func text(_ value: String) throws -> String {
        let (document, errors) = read("[A]\nK =\(value)\n")
        #expect(errors.isEmpty)
        return String(decoding: try #require(document.entries.first).text(), as: UTF8.self)
    }

    private func word(_ value: String) throws -> String {
        let (document, errors) = read("[A]\nK =\(value)\n")
        #expect(errors.isEmpty)
        return try #require(document.entries.first).word()
    }

    @Test("sections, keys and values are trimmed, comments and blank lines skipped")
    func lines() throws {
        let (document, errors) = read(
            """
            ; a comment
              # another

            [ One ]
            \tKey\t=\tvalue \t
              Other=2
            [Two]
            Key = x=y
            """
        )
        #expect(errors.isEmpty)
        #expect(document.sections.map { String(decoding: $0.name, as: UTF8.self) } == ["One", "Two"])
        #expect(document.sections.map(\.line) == [4, 7])
        #expect(document.entries.map(\.key) == ["Key", "Other", "Key"])
        #expect(document.entries.map(\.line) == [5, 6, 8])
        let values = try document.entries.map { String(decoding: try $0.text(), as: UTF8.self) }
        #expect(values == ["value", "2", "x=y"])
    }

    @Test("CRLF, a byte order mark and a missing last line feed are tolerated")
    func windows() throws {
        let (document, errors) = read([0xEF, 0xBB, 0xBF] + Array("[A]\r\nK = v\r\n\r\nL = w".utf8))
        #expect(errors.isEmpty)
        #expect(try document.entries.map { try $0.text() } == [Array("v".utf8), Array("w".utf8)])
    }

    @Test("each line that is nothing known is an error with its number, all in one report")
    func errors() {
        let (_, errors) = read("K = 1\n[A]\nnonsense\n= 3\n[B\n[C] x\n[]\nK = \0\n[D] # fine\n")
        #expect(
            errors == [
                "f:1: 'K' stands before any [Section]",
                "f:3: expected '[Section]' or 'Key = Value'",
                "f:4: expected '[Section]' or 'Key = Value'",
                "f:5: ']' is missing after the section name",
                "f:6: only a comment may follow ']'",
                "f:7: the section has no name",
                "f:8: a line must not hold NUL",
            ]
        )
    }

    @Test("a repeated key is an error, also when its section is opened twice")
    func repeatedKey() {
        let (_, errors) = read("[A]\nK = 1\n[B]\nK = 1\n[A]\nK = 2\n")
        #expect(errors == ["f:6: 'K' is repeated, first on line 2"])
    }

    @Test("a repeatable key keeps every value in order")
    func repeatableKey() throws {
        let (document, errors) = read("[web]\nSourcePath = /a\nSourcePath = /b\n", repeatable: ["SourcePath"])
        #expect(errors.isEmpty)
        #expect(try document.entries.map { try $0.text() } == [Array("/a".utf8), Array("/b".utf8)])
    }

    @Test("keys and sections keep their case")
    func caseMatters() {
        let (document, _) = read("[a]\nk = 1\n[A]\nK = 2\n")
        #expect(document.entries.map(\.key) == ["k", "K"])
        #expect(document.entries.map(\.section) == [Array("a".utf8), Array("A".utf8)])
    }

    @Test(
        "a string loses white space plus #…, never ;… or # inside a word",
        arguments: [
            (" a b # c", "a b"), (" a#b", "a#b"), (" a ; b", "a ; b"), (" a;b#c\t#d", "a;b#c"),
            ("x", "x"), (" a \\ b", "a \\ b"), ("#x", "#x"),
        ]
    )
    func strings(raw: String, value: String) throws {
        #expect(try text(raw) == value)
    }

    @Test(
        "a typed value loses white space plus #… or ;…",
        arguments: [
            (" 30d # 30 days", "30d"), (" 30d ; 30 days", "30d"), (" 30d;x", "30d;x"), ("\ty\t", "y"),
        ]
    )
    func words(raw: String, value: String) throws {
        #expect(try word(raw) == value)
    }

    @Test(
        "quotes run to the next quote, without escapes",
        arguments: [
            (" \"a # b\"", "a # b"), (" \" a \" # c", " a "), ("\"a\\\"", "a\\"), (" \"a\"#c", "a"),
            (" a \"b\" c", "a \"b\" c"),
        ]
    )
    func quotes(raw: String, value: String) throws {
        #expect(try text(raw) == value)
    }

    @Test(
        "a badly quoted or empty value is an error that does not show it",
        arguments: [
            ("\"secret", "K: the closing quote is missing"),
            ("\"a\"secret", "K: only a comment may follow the closing quote"),
            ("\"a\" ; secret", "K: only a comment may follow the closing quote"),
            ("", "K has no value"), (" # secret", "K has no value"), ("\"\"", "K has no value"),
        ]
    )
    func badValues(raw: String, reason: String) {
        #expect(throws: FormatError(reason)) { try text(raw) }
    }

    @Test("a value may hold any bytes but NUL and line feed")
    func bytes() throws {
        let (document, errors) = read(Array("[A]\nK = a".utf8) + [0xFF, 0xFE] + Array("b\n".utf8))
        #expect(errors.isEmpty)
        #expect(try document.entries.first?.text() == [0x61, 0xFF, 0xFE, 0x62])
        #expect(throws: FormatError("K: 'a\\xFF\\xFEb' is not text")) { try document.entries.first?.word() }
    }

    @Test("no input makes the reader trap", arguments: 0..<200)
    func hostile(seed: Int) {
        var random = SeededRandom(UInt64(seed))
        let alphabet = Array("[]=#;\"\\ \t\r\nABk09\0".utf8) + [0xEF, 0xBB, 0xBF, 0xFF]
        let bytes = (0..<60).map { _ in alphabet.randomElement(using: &random) ?? 0 }
        let (document, _) = read(bytes)
        for entry in document.entries {
            _ = try? entry.text()
            _ = try? entry.word()
        }
    }
}
