/// What a save came to.
public struct SaveResult: Sendable {
    /// The snapshot, or with `store` the folder or file; nil for a snapshot that a dry run did not make.
    public let object: ObjectID?
    /// The channel that got the snapshot; nil without one.
    public let channel: [UInt8]?
    /// When everything was stored; nil without a snapshot.
    public let time: Timestamp?
    /// The bytes of all files.
    public let size: Int64
    /// The encrypted bytes of all blobs, each counted as often as it is referred to.
    public let stored: Int64
    /// The encrypted bytes that were uploaded; in a dry run those that the cache does not know.
    public let added: Int64
    /// The files, links and folders, operands included.
    public let entries: Int64
    /// How many entries could not be read.
    public let unreadable: Int
    /// How many entries were left out by rules; what is in a folder that was left out does not count.
    public let excluded: Int
    /// Whether nothing was stored.
    public let isDryRun: Bool
}
