/// Proves that everything that snapshots need still reads back, and makes the locks of it last.
///
/// ```
/// tags ─ badges ─ listing of blobs ─ blobs, each once ─ who is concerned ─ locks ─ report
///                        └ what earlier scans verified (SQLite)
/// ```
///
/// Always reads from the storage itself. Needs a key with Read. Nothing is deleted or repaired. For one thread at a time.
/// - Source: rekkord(1), "scan".
public final class Scanner: Sendable {
    private let repository: Repository
    private let memory: ScanMemory
    private let options: ScanOptions
    private let isInterrupted: @Sendable () -> Bool
    private let warn: @Sendable (String) -> Void
    /// What the scan that runs has done so far.
    public let progress = ScanProgress()

    /// Prepares a scan.
    ///
    /// - Parameters:
    ///   - isInterrupted: Asked between objects; once it says yes, the scan ends. The next one goes on where it was.
    ///   - warn: Gets one line, without a prefix, for each thing that a user should know.
    public init(
        _ repository: Repository,
        memory: ScanMemory,
        options: ScanOptions,
        isInterrupted: @escaping @Sendable () -> Bool,
        warn: @escaping @Sendable (String) -> Void
    ) throws(RekkordError) {
        guard repository.keys.type.canRead else {
            throw RekkordError(.key, "cannot scan with \(repository.keys.type.name) key")
        }
        self.repository = repository
        self.memory = memory
        self.options = options
        self.isInterrupted = isInterrupted
        self.warn = warn
    }

    /// Scans everything.
    ///
    /// - Throws: When tags cannot be listed, the repository goes away meanwhile, or the scan is interrupted. What is
    ///   damaged or cannot be read is in the report.
    public func run() throws(RekkordError) -> ScanReport {
        defer { memory.commit() }
        var tags = try TagCheck(repository, options, warn: warn)
        // After the tags, so that whatever they need is in the listing, and a save that runs now disturbs nothing.
        var blobs = BlobVerification(
            repository,
            memory,
            options,
            progress: progress,
            checkNotInterrupted: { [isInterrupted] () throws(RekkordError) in
                if isInterrupted() { throw RekkordError(.interrupted, "interrupted") }
            }
        )
        try blobs.list()
        try blobs.verify(&tags)
        try checkStillThere(blobs)
        let order = blobs.graph.reachable(from: tags.tags.map(\.parsed.snapshot))
        var report = ScanReport()
        blobs.judge(order, &report)
        report.snapshots = tags.tags.count
        report.unusableTags = tags.unusableCount
        report.damagedSnapshots = tags.tags.filter { blobs.isDamaged($0) }.count
        if tags.unusableCount > 0 { report.orphans = nil }
        try extendLocks(order, tags, &blobs, &report)
        report.problems = tags.problems + blobs.problems
        var paths = DamagePaths(blobs, repository)
        paths.name(tags.tags, order)
        report.problems += paths.problems
        report.unnamedPaths = paths.unnamedCount
        return report
    }

    /// What is missing with the whole repository is not missing from it.
    private func checkStillThere(_ blobs: BlobVerification) throws(RekkordError) {
        guard blobs.faults.values.contains(where: { $0.damage == .missing }) else { return }
        do throws(RekkordError) {
            _ = try repository.storage.get(ObjectNames.config, limit: ConfigObject.byteCount)
        } catch {
            guard error.kind == .missing else { return }
            throw RekkordError(.storage, "cannot scan: the repository went away")
        }
    }

    private func extendLocks(
        _ order: [BlobGraph.Index],
        _ tags: TagCheck,
        _ blobs: inout BlobVerification,
        _ report: inout ScanReport
    ) throws(RekkordError) {
        guard let retention = repository.storage.retention, !tags.tags.isEmpty else { return }
        memory.commit()
        var locks = LockPass(
            repository,
            memory,
            LockExtension(repository.storage, retention, now: options.clock()),
            threadCount: options.threadCount,
            isInterrupted: isInterrupted
        )
        try locks.run(order, tags, &blobs.graph)
        locks.rememberProtection(of: tags, order, blobs)
        report.locks = locks.counts
        report.lockErrors = locks.errors
    }
}
