import TestSupport
import Testing

@testable import RekkordFS

@Suite struct ArgumentBytesTests {
    @Test("plain text stays as it is", arguments: ["", "abc", "é€😀", "--long=v", "a\u{301}"])
    func plain(text: String) {
        let encoded = ArgumentBytes.encode(Array(text.utf8))
        #expect(Array(encoded.utf8) == Array(text.utf8))
        #expect(ArgumentBytes.decode(encoded) == Array(text.utf8))
    }

    @Test("every pair of bytes survives the way through a string")
    func pairs() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes = [first, second]
                #expect(ArgumentBytes.decode(ArgumentBytes.encode(bytes)) == bytes)
            }
        }
    }

    @Test("random bytes survive the way through a string", arguments: 0..<50)
    func random(seed: Int) {
        var random = SeededRandom(UInt64(seed))
        let bytes = random.bytes(200)
        #expect(ArgumentBytes.decode(ArgumentBytes.encode(bytes)) == bytes)
    }

    @Test("text that looks like an escape is escaped itself")
    func lookalikes() {
        let text = "\u{10FE00}a\u{10FEFF}"
        let encoded = ArgumentBytes.encode(Array(text.utf8))
        #expect(encoded != text)
        #expect(ArgumentBytes.decode(encoded) == Array(text.utf8))
    }

    @Test("a value that begins with a combining character cannot merge with the sign before it")
    func combining() {
        let value = "\u{338}x"
        let detached = ArgumentBytes.detached(value[...])
        #expect("--name=\(detached)".contains("="))
        #expect(!"--name=\(value)".contains("="))
        #expect(ArgumentBytes.decode(detached) == Array(value.utf8))
        #expect(ArgumentBytes.detached("plain") == "plain")
    }

    @Test("arguments are shown without control characters")
    func printed() {
        #expect(ArgumentBytes.printed(ArgumentBytes.encode([0x61, 0xFF, 0x0A, 0x5C])) == "a\\xFF\\x0A\\x5C")
    }
}
