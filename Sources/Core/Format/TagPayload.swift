/// What a tag tells about its snapshot without the snapshot being read.
///
/// time 8 | size 8 | stored 8 | added 8 | channel | NUL.
/// - Source: rekkord-format(5), "TAGS".
public struct TagPayload: Sendable, Equatable {
    static let maxEncodedByteCount = 544
    private static let fixedByteCount = 32
    /// The longest channel name, in bytes.
    public static let maxChannelByteCount = 256

    /// When the data was completely stored.
    public var time: Timestamp
    /// Bytes of all files.
    public var size: Int64
    /// Encrypted bytes of all blobs, the snapshot blob included.
    public var stored: Int64
    /// Encrypted bytes that the save uploaded, the snapshot blob included.
    public var added: Int64
    /// The channel's name in any encoding, without NUL.
    public var channel: [UInt8]

    /// Joins the parts.
    public init(time: Timestamp, size: Int64, stored: Int64, added: Int64, channel: [UInt8]) {
        self.time = time
        self.size = size
        self.stored = stored
        self.added = added
        self.channel = channel
    }

    init(_ bytes: [UInt8]) throws(FormatError) {
        guard (Self.fixedByteCount + 1...Self.maxEncodedByteCount).contains(bytes.count) else {
            throw FormatError("tag payload of wrong length", .tag)
        }
        self = try bytes.withRawBytes { (bytes) throws(FormatError) -> TagPayload in
            var reader = ByteReader(bytes)
            let time = Timestamp(milliseconds: try reader.integer())
            let size: Int64 = try reader.integer()
            let stored: Int64 = try reader.integer()
            let added: Int64 = try reader.integer()
            let channel = Array(try reader.bytes(reader.remaining).prefix { $0 != 0 })
            guard !channel.isEmpty, channel.count <= TagPayload.maxChannelByteCount else {
                throw FormatError("tag with a bad channel name", .tag)
            }
            return TagPayload(time: time, size: size, stored: stored, added: added, channel: channel)
        }
    }

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.fixedByteCount + channel.count + 1)
        writer.integer(time.milliseconds)
        writer.integer(size)
        writer.integer(stored)
        writer.integer(added)
        writer.append(channel)
        writer.integer(UInt8(0))
        return writer.bytes
    }
}
