import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct ConfigTextTests {
    /// The value of `Key` that a reader finds.
    private func read(_ text: ConfigText) throws -> [UInt8] {
        var problems = ConfigProblems(path: "/test.ini")
        let document = INIDocument(text.bytes, problems: &problems)
        try problems.check()
        return try #require(document.entries.first).text()
    }

    @Test(
        "values that a reader would cut or trim come back whole",
        arguments: [
            "plain", "a b", " blank before", "blank behind\t", "#mark", "; mark", "a #b", "a#b", "a;b",
            "a ;b",
            "a = b", "[x]", "a\"b", "\\", "é",
        ]
    )
    func roundTrip(value: String) throws {
        var text = ConfigText()
        text.comment("words")
        text.section("S")
        try text.set("Key", Array(value.utf8))
        #expect(try read(text) == Array(value.utf8))
    }

    @Test("any bytes come back or are refused, without being shown", arguments: 0..<300 as Range<UInt64>)
    func anyBytes(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let alphabet = Array("ab #;\"=[]\t\r\\\n\0".utf8) + [0xFF]
        let value = (0..<Int(random.next() % 8)).map { _ in
            alphabet[Int(random.next() % UInt64(alphabet.count))]
        }
        var text = ConfigText()
        text.section("S")
        do {
            try text.set("Key", value)
        } catch {
            let isForbidden = value.isEmpty || value.contains(0) || value.contains(10)
            #expect(isForbidden || value.contains(UInt8(ascii: "\"")))
            #expect(error.reason.hasPrefix("Key cannot "))
            return
        }
        #expect(try read(text) == value)
    }
}
