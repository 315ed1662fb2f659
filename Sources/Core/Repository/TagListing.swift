/// The snapshots of a repository, as its tags tell them.
public struct TagListing: Sendable {
    /// Oldest first; equal times by object id.
    public let tags: [SnapshotTag]
    /// What was left out and why, one line each.
    public let warnings: [String]

    init(_ parser: TagParser) {
        tags = parser.tags.map { SnapshotTag($0) }.sorted { ($0.time, $0.snapshot) < ($1.time, $1.snapshot) }
        warnings = parser.refused.map {
            "ignoring tag '\(PrintedName.escape($0.objectName.utf8))': \($0.reason)"
        }
    }

    /// The newest snapshot of a channel.
    public func newest(of channel: [UInt8]) -> SnapshotTag? {
        tags.last { $0.channel == channel }
    }
}

/// One snapshot, as its tag tells it.
public struct SnapshotTag: Sendable {
    /// The snapshot blob.
    public let snapshot: ObjectID
    /// Channel, time and sizes.
    public let payload: TagPayload
    /// The key that signed the tag, by its own word unless it is the master.
    public let keyID: KeyID
    /// The main tag.
    public let objectName: String

    init(_ tag: TagParser.Parsed) {
        snapshot = tag.snapshot
        payload = tag.payload
        keyID = tag.keyID
        objectName = tag.objectName
    }

    /// When the data was completely stored.
    public var time: Timestamp { payload.time }
    /// Bytes of all files.
    public var size: Int64 { payload.size }
    /// Encrypted bytes of all its blobs.
    public var stored: Int64 { payload.stored }
    /// Encrypted bytes that its save uploaded.
    public var added: Int64 { payload.added }
    /// The channel's name in any encoding.
    public var channel: [UInt8] { payload.channel }
}
