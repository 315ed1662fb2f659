/// What a save came to.
public struct SaveResult: Sendable {
    /// The snapshot, or with `store` the folder or file.
    public let object: ObjectID
    /// The channel that got the snapshot; nil without one.
    public let channel: [UInt8]?
    /// When everything was stored; nil without a snapshot.
    public let time: Timestamp?
    /// The bytes of all files.
    public let size: Int64
    /// The encrypted bytes of all blobs, each counted as often as it is referred to.
    public let stored: Int64
    /// The encrypted bytes that were uploaded.
    public let added: Int64
    /// The files, links and folders, operands included.
    public let entries: Int64
    /// How many entries could not be read.
    public let unreadable: Int
}
