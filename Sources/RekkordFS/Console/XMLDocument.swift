import Core

/// Writes elements as XML 1.0 in UTF-8, each value as an attribute.
struct XMLDocument: DocumentWriter {
    private let emit: (String) -> Void
    /// The names of the elements that were begun, outermost first.
    private var open: [String] = []
    /// Whether the start tag of the innermost element still takes attributes.
    private var isInTag = false

    /// Starts the document and its outermost element.
    init(root: String, _ emit: @escaping (String) -> Void) {
        self.emit = emit
        emit("<?xml version=\"1.0\"?>\n")
        beginElement(root, isTyped: false)
    }

    mutating func beginElement(_ name: String, isTyped: Bool) {
        if isInTag { emit(">\n") }
        emit(indentation + "<" + name)
        open.append(name)
        isInTag = true
    }

    mutating func text(_ key: DocumentKey, _ value: String) {
        bytes(key, Array(value.utf8))
    }

    mutating func bytes(_ key: DocumentKey, _ value: [UInt8]) {
        let (text, isExact) = Self.quote(value)
        emit(" " + key.xml + "=" + text)
        if !isExact { emit(" " + key.xml + "Base64=\"" + Base64.encode(value) + "\"") }
    }

    mutating func integer(_ key: DocumentKey, _ value: Int64) {
        emit(" " + key.xml + "=\"\(value)\"")
    }

    mutating func none(_ key: DocumentKey) {}

    mutating func beginChildren() {}

    mutating func endChildren() {}

    mutating func endElement() {
        guard let name = open.popLast() else { return }
        emit(isInTag ? " />\n" : indentation + "</" + name + ">\n")
        isInTag = false
    }

    mutating func finish() {
        while !open.isEmpty { endElement() }
    }

    private var indentation: String { String(repeating: "  ", count: open.count) }

    /// Quotes a value; what XML cannot hold becomes U+FFFD, and is not exact.
    ///
    /// - Source: XML 1.0, 2.2 and 3.3.3: white space but blanks must be written as references.
    static func quote(_ value: [UInt8]) -> (text: String, isExact: Bool) {
        var result = "\""
        var isExact = true
        PrintedName.forEachScalar(value) { scalar, _ in
            guard let scalar, let text = encode(scalar) else {
                isExact = false
                result += "\u{FFFD}"
                return
            }
            result += text
        }
        return (result + "\"", isExact)
    }

    /// The scalar or a reference to it; nil for what XML cannot hold.
    private static func encode(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x7F...0x9F, 0x2028, 0x2029:
            "&#x" + String(scalar.value, radix: 16, uppercase: true) + ";"
        case 0..<0x20, 0xFFFE, 0xFFFF: nil
        case UInt32(UInt8(ascii: "\"")): "&quot;"
        case UInt32(UInt8(ascii: "&")): "&amp;"
        case UInt32(UInt8(ascii: "<")): "&lt;"
        case UInt32(UInt8(ascii: ">")): "&gt;"
        default: String(Character(scalar))
        }
    }
}
