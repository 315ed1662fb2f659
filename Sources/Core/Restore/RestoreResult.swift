/// What a restore did.
public struct RestoreResult: Sendable {
    /// How many files were written.
    public let files: Int
    /// How many folders were made or filled.
    public let folders: Int
    /// How many links were made.
    public let links: Int
    /// The bytes of the files.
    public let size: Int64
    /// How many entries were left out on purpose.
    public let skipped: Int
    /// How many entries could not be read or written.
    public let failed: Int
    /// How many entries were removed.
    public let deleted: Int

    init(_ progress: RestoreProgress) {
        files = progress.fileCount
        folders = progress.folderCount
        links = progress.linkCount
        size = progress.byteCount
        skipped = progress.skippedCount
        failed = progress.failedCount
        deleted = progress.deletedCount
    }
}
