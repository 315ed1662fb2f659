/// Holds a decoded snapshot: its numbers, its channel and its root entries.
///
/// ```
///  0 time | 8 size | 16 stored | 24 added (i64) | 32 channel[512] | 544 size | 552 entries (i64) | 560 entries
/// ```
///
/// All numbers are statistics and may be absurd. A root whose name is bad or repeated is not in `roots`.
/// - Source: rekkord-format(5), "SNAPSHOTS".
public struct SnapshotBlob: Sendable {
    /// The part before the first root entry.
    public static let headerByteCount = 560
    /// The space for the channel, its NUL and padding included.
    public static let channelByteCount = 512
    /// So many names the saved paths of one snapshot may have together, each repetition counted: each takes memory in
    /// whoever shows the paths as folders, and next to nothing in the repository.
    public static let maxNameCount = 1 << 19

    /// When the data was completely stored.
    public var time: Timestamp
    /// The bytes of all files.
    public var size: Int64
    /// The encrypted bytes of all blobs, without the snapshot's own.
    public var stored: Int64
    /// The encrypted bytes that this save uploaded, without the snapshot's own blob.
    public var added: Int64
    /// The channel up to its first NUL.
    public var channel: [UInt8]
    /// The bytes of all files, again.
    public var totalSize: Int64
    /// The files, links and folders, roots included.
    public var totalEntries: Int64
    /// One entry per saved path, in the order given; the names are those of a `RootPath`.
    public var roots: [Entry]
    /// How many root entries are left out because of their names.
    public var hiddenNameCount = 0

    /// Joins the parts of a snapshot to be written.
    public init(
        time: Timestamp,
        size: Int64,
        stored: Int64,
        added: Int64,
        channel: [UInt8],
        totalEntries: Int64,
        roots: [Entry]
    ) {
        self.time = time
        self.size = size
        self.stored = stored
        self.added = added
        self.channel = channel
        totalSize = size
        self.totalEntries = totalEntries
        self.roots = roots
    }

    /// Checks and decodes a snapshot of the current or a supported earlier revision.
    ///
    /// - Throws: When the blob is no snapshot or is malformed.
    public init(_ blob: Blob) throws(FormatError) {
        let bytes = try LegacyBlob.currentSnapshot(blob)
        self = try bytes.withBytes { (bytes) throws(FormatError) in try Self(decoding: bytes) }
    }

    private init(decoding bytes: UnsafeRawBufferPointer) throws(FormatError) {
        guard bytes.count > Self.headerByteCount, bytes.count <= UInt32.max else {
            throw FormatError("malformed snapshot")
        }
        var reader = ByteReader(bytes)
        time = Timestamp(milliseconds: try reader.integer())
        size = try reader.integer()
        stored = try reader.integer()
        added = try reader.integer()
        channel = Array(try reader.bytes(Self.channelByteCount).prefix { $0 != 0 })
        totalSize = try reader.integer()
        totalEntries = try reader.integer()
        var level = EntryScan()
        try level.scan(bytes, from: reader.offset) { RootPath.isValid($0) }
        let nameCount = level.offsets.reduce(0) { count, offset in
            count + RootPath.nameCount(StoredEntry(checked: bytes, at: Int(offset)).name)
        }
        guard nameCount <= Self.maxNameCount else { throw FormatError("too many saved paths") }
        roots = level.offsets.map { StoredEntry(checked: bytes, at: Int($0)).entry }
        hiddenNameCount = level.hiddenNameCount
    }

    /// Encodes the snapshot; `channel` must have 1…256 bytes without NUL.
    public func encode() -> [UInt8] {
        precondition((1...TagPayload.maxChannelByteCount).contains(channel.count) && !channel.contains(0))
        var writer = ByteWriter(capacity: roots.reduce(Self.headerByteCount) { $0 + $1.encodedByteCount })
        writer.integer(time.milliseconds)
        writer.integer(size)
        writer.integer(stored)
        writer.integer(added)
        writer.append(channel)
        writer.zeros(Self.channelByteCount - channel.count)
        writer.integer(totalSize)
        writer.integer(totalEntries)
        for root in roots { root.encode(into: &writer) }
        return writer.bytes
    }
}
