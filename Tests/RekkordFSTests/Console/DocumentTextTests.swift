import FoundationEssentials
import Testing

@testable import RekkordFS

@Suite struct DocumentTextTests {
    @Test("JSON strings come back from another reader as they were")
    func json() throws {
        let text =
            String(String.UnicodeScalarView((0..<0x3000).compactMap { Unicode.Scalar($0) })) + "\u{10FFFF}"
        let quoted = JSONWriter.quote(text)
        #expect(try JSONDecoder().decode([String].self, from: Data("[\(quoted)]".utf8)) == [text])
        #expect(JSONWriter.quote("a\"\\\n\u{1B}\u{9B}é") == #""a\"\\\n\u001b\u009bé""#)
    }

    @Test("XML attributes refer to what would change or end them")
    func xml() {
        let quote = { (bytes: [UInt8]) in XMLDocument.quote(bytes) }
        #expect(
            quote(Array("a<&>\"'\t\n\r\u{9B}é".utf8)).text
                == "\"a&lt;&amp;&gt;&quot;'&#x9;&#xA;&#xD;&#x9B;é\""
        )
        #expect(quote(Array("é".utf8)).isExact)
        for bytes: [UInt8] in [[0x1B], [0], [0xFF], Array("\u{FFFE}".utf8), Array("\u{FFFF}".utf8)] {
            let (text, isExact) = quote(bytes)
            #expect(text == "\"\u{FFFD}\"" && !isExact)
        }
    }

    @Test("a document that is ended early closes what is open")
    func early() {
        for format in [OutputFormat.json, .xml] {
            let printed = PrintedText()
            var document = format.document(root: "Tree", printed.emit)
            document?.beginElement("Directory", isTyped: true)
            document?.beginChildren()
            document?.beginElement("File", isTyped: true)
            document?.finish()
            let expected =
                format == .json
                ? "[\n{\"type\": \"Directory\", \"children\": [\n{\"type\": \"File\"}\n]}\n]\n"
                : "<?xml version=\"1.0\"?>\n<Tree>\n  <Directory>\n    <File />\n  </Directory>\n</Tree>\n"
            #expect(printed.text == expected)
        }
    }
}
