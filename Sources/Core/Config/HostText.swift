/// Reads and shows `host[:port]`.
enum HostText {
    static let ports = 1...65535

    /// Splits `host`, `host:port`, `[v6 address]` or `[v6 address]:port`.
    static func parse(_ text: some StringProtocol) throws(FormatError) -> (host: String, port: Int?) {
        let shown = PrintedName.escape(text.utf8)
        var host = text[...]
        var port: Int?
        let colon = text.lastIndex(of: ":")
        if let colon, !text[colon...].contains("]") {
            port = try DecimalText.parse(text[text.index(after: colon)...], in: ports)
            host = text[..<colon]
        }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host
        let isAddress = bare.count != host.count
        let isValid = !bare.isEmpty && bare.utf8.allSatisfy { isHostCharacter($0, inAddress: isAddress) }
        guard isValid else { throw FormatError("'\(shown)' does not name a host") }
        return (host.lowercased(), port)
    }

    static func join(_ host: String, _ port: Int?) -> String {
        port.map { "\(host):\($0)" } ?? host
    }

    private static func isHostCharacter(_ byte: UInt8, inAddress: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        case UInt8(ascii: ":"): inAddress
        default: false
        }
    }
}
