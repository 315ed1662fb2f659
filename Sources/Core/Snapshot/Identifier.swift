/// Names what a command works on: `<OID|channel>[:<path>]`.
///
/// Where the channel ends is only known when the channels are, because both parts may hold `:`.
/// - Source: rekkord(1), "Identifiers".
public struct Identifier: Hashable, Sendable {
    /// One way to read the text: the channel is what comes before the `:`.
    public struct ChannelReading: Hashable, Sendable {
        /// Not empty.
        public let channel: [UInt8]
        /// Not checked yet; see `Identifier.names(ofPath:)`.
        public let path: [UInt8]
    }

    /// What the part before the path is.
    public enum Target: Hashable, Sendable {
        /// `:` alone: all snapshots.
        case repository
        /// A blob, used without listing, and names from there on.
        case object(ObjectID, path: [EntryName])
        /// The newest snapshot of a channel: the first of these readings whose channel exists.
        case channel([ChannelReading])
    }

    /// The text as it was given.
    public let text: [UInt8]
    /// How it is to be understood.
    public let target: Target

    /// Reads an identifier.
    ///
    /// - Throws: `.usage` for an empty one, or when the path after an OID cannot be used; `.notFound` when it cannot exist.
    public init(_ text: [UInt8]) throws(RekkordError) {
        self.text = text
        let colon = UInt8(ascii: ":")
        guard !text.isEmpty else { throw RekkordError(.usage, "identifier is empty") }
        if text == [colon] {
            target = .repository
            return
        }
        if text.count == ObjectID.textLength || text.dropFirst(ObjectID.textLength).first == colon,
            let id = ObjectID(text: String(decoding: text.prefix(ObjectID.textLength), as: UTF8.self))
        {
            target = .object(
                id,
                path: try Self.names(ofPath: text.dropFirst(ObjectID.textLength + 1), in: text)
            )
            return
        }
        var readings = [ChannelReading(channel: text, path: [])]
        for index in text.indices.reversed() where index > 0 && text[index] == colon {
            readings.append(ChannelReading(channel: Array(text[..<index]), path: Array(text[(index + 1)...])))
        }
        target = .channel(readings)
    }

    /// The names of a path; slashes around and between them do not count.
    ///
    /// - Parameter text: The whole identifier, for messages.
    /// - Throws: `.usage` for `.` and `..`; `.notFound` for a name that no entry can have.
    static func names(ofPath path: some Collection<UInt8>, in text: [UInt8]) throws(RekkordError)
        -> [EntryName]
    {
        var names: [EntryName] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.count <= 2, part.allSatisfy({ $0 == UInt8(ascii: ".") }) {
                throw RekkordError(
                    .usage,
                    "cannot use '\(PrintedName.escape(text))': '.' and '..' are not allowed"
                )
            }
            do {
                names.append(try EntryName(part))
            } catch {
                throw Self.notFound(text)
            }
        }
        return names
    }

    /// The failure to find what `text` names.
    static func notFound(_ text: [UInt8]) -> RekkordError {
        RekkordError(.notFound, "cannot find '\(PrintedName.escape(text))'")
    }
}
