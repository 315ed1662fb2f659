public import SystemPackage

/// Holds where caches are and how large they get.
///
/// - Source: rekkord.ini(5).
public struct CacheSettings: Sendable, Equatable {
    /// The folder with a sub-folder per repository; nil when neither a setting nor a home tells.
    public var directory: FilePath?
    /// Decoded blobs in memory, in bytes.
    public var memorySize = 256_000_000
    /// Encrypted metadata objects on disk, in bytes; 0 is off.
    public var metadataSize = 0
    /// Encrypted data objects on disk, in bytes; 0 is off.
    public var blobSize = 0

    /// The default of `metadataSize` where objects come over a network.
    static let remoteMetadataSize = 512_000_000

    /// The settings of an empty configuration.
    public init() {}
}
