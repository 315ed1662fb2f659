/// How files are read and stored by a save.
public struct SaveOptions: Sendable {
    /// Read every file, also those that did not change as far as the kernel tells.
    public var readsEveryFile = false
    /// Read every file, and fail when one has another content than its times and size promise.
    public var comparesContent = false
    /// Save what links point to, below the operands too.
    public var followsLinks = false
    /// What is left out below the operands.
    public var excludes = ExcludeRules()
    /// Store folders that other file systems are mounted on as empty.
    public var staysOnFileSystem = false
    /// Find out what would be stored, and store nothing.
    public var isDryRun = false
    /// Ask the kernel to leave access times alone where it permits that.
    public var keepsAccessTimes = false
    /// Store access times.
    public var storesAccessTimes = false
    /// Store extended attributes and access control lists.
    public var storesExtendedAttributes = false
    /// How files are cut.
    public var chunking = Chunking.stable
    /// The LZ4 level for data that compresses.
    public var compressionLevel = 1
    /// Decode each sealed blob before it is stored.
    public var verifiesBlobs = false
    /// How many threads read, compress and seal.
    public var threadCount = 1
    /// The clock that the kernel stamps files with.
    var clock: @Sendable () -> FileStatus.Time = { .now() }

    /// Starts with the defaults of the command.
    public init() {}

    /// What a record in the cache must have been made with to be fully valid.
    var circumstances: FolderRecord.Circumstances {
        FolderRecord.Circumstances(
            splitter: chunking == .stable ? 0 : 1,
            metadata: (storesAccessTimes ? 1 : 0) | (storesExtendedAttributes ? 2 : 0)
        )
    }
}
