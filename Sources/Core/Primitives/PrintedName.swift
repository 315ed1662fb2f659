/// Shows names that may hold any byte.
public enum PrintedName {
    /// Escapes control characters, `\` and invalid UTF-8 as `\xHH`, so that a terminal shows the name and nothing else.
    ///
    /// - Source: rekkord(1).
    public static func escape(_ bytes: some Collection<UInt8>) -> String {
        // Nearly all names are plain ASCII.
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) {
            return String(decoding: bytes, as: UTF8.self)
        }
        var result = ""
        forEachScalar(bytes) { scalar, bytes in
            if let scalar, !isControl(scalar), scalar != "\\" {
                result.unicodeScalars.append(scalar)
            } else {
                for byte in bytes { result += "\\x" + Hexadecimal.encode([byte]) }
            }
        }
        return result
    }

    /// Calls `body` with each Unicode scalar and its bytes, or with nil and one byte that is not UTF-8.
    public static func forEachScalar(
        _ bytes: some Collection<UInt8>,
        _ body: (Unicode.Scalar?, ArraySlice<UInt8>) -> Void
    ) {
        let bytes = Array(bytes)
        var index = 0
        while index < bytes.count {
            let (scalar, length) = decodeScalar(bytes, at: index)
            body(scalar, bytes[index..<index + length])
            index += length
        }
    }

    /// Whether `bytes` is valid UTF-8.
    public static func isUTF8(_ bytes: some Collection<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    /// C0 and C1 controls, DEL, and the characters that reorder or break lines.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
        default: false
        }
    }

    private static func decodeScalar(_ bytes: [UInt8], at index: Int) -> (Unicode.Scalar?, Int) {
        var decoder = UTF8()
        var rest = bytes[index..<min(index + 4, bytes.count)].makeIterator()
        switch decoder.decode(&rest) {
        case .scalarValue(let scalar): return (scalar, UTF8.width(scalar))
        case .emptyInput, .error: return (nil, 1)
        }
    }
}
