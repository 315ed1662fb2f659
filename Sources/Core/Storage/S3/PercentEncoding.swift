/// Writes and reads `%HH`.
///
/// - Source: format.md, 12.1; RFC 3986, 2.3: only letters, digits and `-._~` stand for themselves.
enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The path form of an object's key, whose slashes stay.
    static func path(_ text: String) -> String { encode(text, keepsSlash: true) }

    /// The form of a name or value in a query.
    static func query(_ text: String) -> String { encode(text, keepsSlash: false) }

    private static func encode(_ text: String, keepsSlash: Bool) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || keepsSlash && byte == UInt8(ascii: "/") {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// Replaces each `%HH`; nil when a `%` stands for nothing.
    static func decode(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard let value = Hexadecimal.decode(rest.prefix(2)), value.count == 1 else { return nil }
            result += value
            rest = rest.dropFirst(2)
        }
        return result
    }
}
