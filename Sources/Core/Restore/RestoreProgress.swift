import Synchronization

/// Counts what a restore has done so far; anybody may look at any time.
public final class RestoreProgress: Sendable {
    private let files = Atomic(0)
    private let folders = Atomic(0)
    private let links = Atomic(0)
    private let bytes = Atomic<Int64>(0)
    private let doneBytes = Atomic<Int64>(0)
    private let verifying = Atomic(false)
    private let skipped = Atomic(0)
    private let failed = Atomic(0)
    private let deleted = Atomic(0)
    private let total = Atomic<Int64>(0)

    /// How many files were written.
    public var fileCount: Int { files.load(ordering: .relaxed) }
    /// How many folders were made or filled.
    public var folderCount: Int { folders.load(ordering: .relaxed) }
    /// How many links were made.
    public var linkCount: Int { links.load(ordering: .relaxed) }
    /// The bytes of the files that were written.
    public var byteCount: Int64 { bytes.load(ordering: .relaxed) }
    /// How many entries were left out: special files, and what `RestoreOptions.overwrite` keeps.
    public var skippedCount: Int { skipped.load(ordering: .relaxed) }
    /// How many entries could not be read or written.
    public var failedCount: Int { failed.load(ordering: .relaxed) }
    /// How many entries of folders were removed, each with all below it.
    public var deletedCount: Int { deleted.load(ordering: .relaxed) }
    /// Whether what was written is being read back.
    public var isVerifying: Bool { verifying.load(ordering: .relaxed) }
    /// The bytes that are done, those of files that were kept and those that were read back included.
    public var doneByteCount: Int64 { doneBytes.load(ordering: .relaxed) }
    /// The bytes that there are to do, as the snapshot tells; nil when it does not.
    public var totalByteCount: Int64? {
        let total = total.load(ordering: .relaxed)
        return total > 0 ? total : nil
    }

    func expect(byteCount: Int64) { total.store(byteCount, ordering: .relaxed) }
    func addFile(byteCount: Int64) {
        files.wrappingAdd(1, ordering: .relaxed)
        bytes.wrappingAdd(byteCount, ordering: .relaxed)
    }
    func addFolder() { folders.wrappingAdd(1, ordering: .relaxed) }
    func addLink() { links.wrappingAdd(1, ordering: .relaxed) }
    func addSkipped() { skipped.wrappingAdd(1, ordering: .relaxed) }
    func addFailed(_ count: Int = 1) { failed.wrappingAdd(count, ordering: .relaxed) }
    func addDeleted() { deleted.wrappingAdd(1, ordering: .relaxed) }
    func finish(byteCount: Int64) { doneBytes.wrappingAdd(byteCount, ordering: .relaxed) }
    func startVerifying() { verifying.store(true, ordering: .relaxed) }
}
