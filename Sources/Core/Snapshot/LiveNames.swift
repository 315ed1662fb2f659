/// Names channels and snapshots as folders of a mount.
///
/// - Source: rekkord(1), "mount".
enum LiveNames {
    static let channels = Array("channels".utf8)
    static let snapshots = Array("snapshots".utf8)
    static let latest = Array("latest".utf8)
    /// The folders of the root; the last one is not listed.
    static let top = [channels, snapshots, Array("history".utf8), Array(".rekkord".utf8)]
    static let report = Array("stats".utf8)
    /// What follows a channel that is cut: `%~` and eight digits.
    private static let cutMarkByteCount = 10

    /// A channel as one name: `%`, `/`, control characters and a leading `.` as `%HH`, cut when it gets too long.
    static func folder(
        ofChannel channel: [UInt8],
        maxByteCount: Int = EntryName.maxByteCount
    ) -> [UInt8] {
        let pieces = channel.enumerated().map { index, byte in
            let isEscaped =
                byte == UInt8(ascii: "%") || byte == UInt8(ascii: "/") || byte < 0x20 || byte == 0x7f
                || (index == 0 && byte == UInt8(ascii: "."))
            return isEscaped ? Array("%\(Hexadecimal.encode([byte]))".utf8) : [byte]
        }
        let whole = pieces.flatMap { $0 }
        if whole.count <= maxByteCount { return whole }
        var cut: [UInt8] = []
        for piece in pieces {
            if cut.count + piece.count > maxByteCount - cutMarkByteCount { break }
            cut += piece
        }
        return cut + Array("%~".utf8) + digits(Sodium.sha256(channel), 8)
    }

    /// A snapshot by its time; `isTaken` tells which names others have.
    static func folder(of snapshot: ObjectID, at time: Timestamp, isTaken: ([UInt8]) -> Bool) -> [UInt8] {
        let plain = Array(CalendarTime.utcFileName(time).utf8)
        if !isTaken(plain) { return plain }
        var count = 8
        while count < 2 * Hash32.byteCount {
            let name = plain + [UInt8(ascii: "~")] + digits(snapshot.hash.bytes, count)
            if !isTaken(name) { return name }
            count += 1
        }
        return plain + [UInt8(ascii: "~")] + digits(snapshot.hash.bytes, count)
    }

    private static func digits(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        Array(Hexadecimal.encode(bytes).utf8.prefix(count))
    }
}
