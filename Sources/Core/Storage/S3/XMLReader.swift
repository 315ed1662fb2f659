internal import CExpat

/// Holds one element of a small XML document.
struct XMLElement {
    /// Without a prefix of a name space.
    let name: String
    /// All text directly in it.
    fileprivate(set) var text: String = ""
    fileprivate(set) var children: [XMLElement] = []

    fileprivate init(name: String) {
        self.name = name
    }

    /// The first child with this name.
    func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child with this name.
    func text(of name: String) -> String? { child(name)?.text }
}

/// Reads what a server claims to be XML; the only file that touches expat.
///
/// Depth, size and number of elements are bounded, and a document type is refused, so that there are no entities to
/// expand or to fetch.
/// - Source: C: `XML_Parse`.
enum XMLReader {
    static let maxDepth = 32
    static let maxElementCount = 100_000

    /// Reads a whole document.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> XMLElement {
        guard let parser = XML_ParserCreate("UTF-8") else { fatalError("out of memory") }
        defer { XML_ParserFree(parser) }
        let tree = Tree(parser)
        let status = withExtendedLifetime(tree) {
            XML_SetUserData(parser, Unmanaged.passUnretained(tree).toOpaque())
            XML_SetElementHandler(
                parser,
                { context, name, _ in Tree.from(context).open(name) },
                { context, _ in Tree.from(context).close() }
            )
            XML_SetCharacterDataHandler(parser) { context, text, count in
                Tree.from(context).append(text, Int(count))
            }
            XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
                Tree.from(context).refuse("has a document type")
            }
            let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            return XML_Parse(parser, start, Int32(clamping: bytes.count), 1)
        }
        if let reason = tree.refusal { throw FormatError("XML \(reason)") }
        guard status == XML_STATUS_OK, bytes.count <= Int32.max, let root = tree.root else {
            throw FormatError("not XML")
        }
        return root
    }

    /// Grows while expat reads.
    private final class Tree {
        private let parser: XML_Parser
        /// What is open, outermost first.
        private var open: [XMLElement] = []
        private var elementCount = 0
        private(set) var root: XMLElement?
        private(set) var refusal: String?

        init(_ parser: XML_Parser) {
            self.parser = parser
        }

        static func from(_ context: UnsafeMutableRawPointer?) -> Tree {
            guard let context else { fatalError("expat lost its context") }
            return Unmanaged<Tree>.fromOpaque(context).takeUnretainedValue()
        }

        func refuse(_ reason: String) {
            refusal = refusal ?? reason
            XML_StopParser(parser, XML_Bool(XML_FALSE))
        }

        func open(_ name: UnsafePointer<XML_Char>?) {
            // After a stop, expat may still call for what it has already seen.
            guard refusal == nil, let name else { return }
            elementCount += 1
            guard open.count < maxDepth else { return refuse("is too deep") }
            guard elementCount <= maxElementCount else { return refuse("has too many elements") }
            let full = String(cString: name)
            let local = full.split(separator: ":").last.map { String($0) } ?? full
            open.append(XMLElement(name: local))
        }

        func close() {
            guard refusal == nil, let element = open.popLast() else { return }
            if open.isEmpty {
                root = element
            } else {
                open[open.count - 1].children.append(element)
            }
        }

        func append(_ text: UnsafePointer<XML_Char>?, _ count: Int) {
            guard refusal == nil, !open.isEmpty, let text else { return }
            let bytes = UnsafeRawBufferPointer(start: text, count: count)
            open[open.count - 1].text += String(decoding: bytes, as: UTF8.self)
        }
    }
}
