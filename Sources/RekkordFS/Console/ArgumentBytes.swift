import Core

/// Carries arguments of any bytes through a parser that knows only strings.
///
/// Bytes that are not UTF-8 become scalars of a private plane, one per byte; text that holds such scalars
/// itself is escaped in the same way, so that `decode` undoes every `encode`.
enum ArgumentBytes {
    /// U+10FE00 stands for byte 0, U+10FEFF for 255.
    private static let base: UInt32 = 0x10FE00
    private static let escapes: ClosedRange<UInt32> = base...(base + 0xFF)

    /// The program's arguments, without its name.
    ///
    /// - Throws: `.system` when there are none: Swift reads them from `/proc`, which takes a descriptor.
    static func ofProcess() throws(RekkordError) -> (program: [UInt8], arguments: [String]) {
        var all: [[UInt8]] = []
        guard CommandLine.argc > 0 else {
            throw RekkordError(.system, "cannot read the arguments in '/proc/self/cmdline'")
        }
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index] else { break }
            all.append(Array(UnsafeRawBufferPointer(start: argument, count: String.byteCount(of: argument))))
        }
        return (all.first ?? [], all.dropFirst().map(encode))
    }

    /// A string that stands for `bytes`; the same as their text where they are plain UTF-8.
    static func encode(_ bytes: [UInt8]) -> String {
        var result = String.UnicodeScalarView()
        var index = 0
        while index < bytes.count {
            var decoder = UTF8()
            var rest = bytes[index..<min(index + 4, bytes.count)].makeIterator()
            if case .scalarValue(let scalar) = decoder.decode(&rest), !escapes.contains(scalar.value) {
                result.append(scalar)
                index += UTF8.width(scalar)
            } else {
                result.append(escape(bytes[index]))
                index += 1
            }
        }
        return String(result)
    }

    /// The bytes that `text` stands for.
    static func decode(_ text: some StringProtocol) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if escapes.contains(scalar.value) {
                bytes.append(UInt8(scalar.value - base))
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
            }
        }
        return bytes
    }

    /// The argument as messages show it.
    static func printed(_ text: some StringProtocol) -> String {
        PrintedName.escape(decode(text))
    }

    /// Escapes what is not ASCII at the start, where it might merge with a preceding `=` into one character.
    static func detached(_ text: Substring) -> String {
        guard let first = text.unicodeScalars.first, !first.isASCII else { return String(text) }
        var result = String.UnicodeScalarView()
        for byte in decode(text) { result.append(escape(byte)) }
        return String(result)
    }

    private static func escape(_ byte: UInt8) -> Unicode.Scalar {
        Unicode.Scalar(base + UInt32(byte)) ?? "?"
    }
}

extension String {
    /// The length of a C string.
    fileprivate static func byteCount(of text: UnsafePointer<CChar>) -> Int {
        var count = 0
        while text[count] != 0 { count += 1 }
        return count
    }
}
