/// Shows names that may hold any byte.
public enum PrintedName {
    /// Escapes control characters, `\` and invalid UTF-8 as `\xHH`, so that a terminal shows the name and nothing else.
    ///
    /// - Source: commands.md, 1.4.
    public static func escape(_ bytes: some Collection<UInt8>) -> String {
        let bytes = Array(bytes)
        var result = ""
        var index = 0
        while index < bytes.count {
            let (scalar, length) = decodeScalar(bytes, at: index)
            if let scalar, !isControl(scalar), scalar != "\\" {
                result.unicodeScalars.append(scalar)
            } else {
                for byte in bytes[index..<index + length] { result += "\\x" + Hexadecimal.encode([byte]) }
            }
            index += length
        }
        return result
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
