/// Tells files apart while they exist.
///
/// - Source: C: `st_dev`, `st_ino`.
public struct FileIdentity: Hashable, Sendable {
    /// The device that the file system is on.
    public let device: UInt64
    /// The number of the file there.
    public let inode: UInt64

    /// Joins both parts.
    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

extension FileStatus {
    /// Which file this is the status of.
    public var identity: FileIdentity { FileIdentity(device: device, inode: inode) }
}
