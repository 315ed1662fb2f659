/// Saves files and folders into a repository: one snapshot per call, or one object without a snapshot.
///
/// Order of writes: blobs; the snapshot blob when all of them are durable; badge, fragments and main tag when the
/// snapshot blob is. So a snapshot appears whole, with one write. A dry run does the same work and hands nothing to the
/// storage. Needs a key with Write. For one thread at a time.
public final class Saver: Sendable {
    private let repository: Repository
    private let cache: LocalCache?
    private let options: SaveOptions
    private let foreignFolders: [FileIdentity: String]
    private let splitter: Splitter
    private let blobs: BlobWriter
    private let warn: @Sendable (String) -> Void
    private let isInterrupted: @Sendable () -> Bool
    /// What the save that runs has done so far.
    public let progress: SaveProgress
    /// Whether something could not be stored or checked: what was handed over is not known any more, and no save succeeds.
    public var isBroken: Bool { blobs.failure != nil }

    /// Finds out what the storage can do, and what is stored already where that must be known.
    ///
    /// - Parameters:
    ///   - foreignFolders: Folders that are not entered below an operand, and why: the repository, the cache.
    ///   - progress: Told what the save that runs has done so far.
    ///   - isInterrupted: Asked often, on any thread; once it says yes, the save that runs ends without a snapshot.
    ///   - warn: Gets one line, without a prefix, for each thing that a user should know; called on any thread.
    public init(
        _ repository: Repository,
        cache: LocalCache?,
        options: SaveOptions,
        foreignFolders: [FileIdentity: String],
        progress: SaveProgress,
        isInterrupted: @escaping @Sendable () -> Bool,
        warn: @escaping @Sendable (String) -> Void
    ) throws(RekkordError) {
        self.progress = progress
        guard let salt = repository.keys.splitterSalt else {
            throw RekkordError(.key, "cannot save with \(repository.keys.type.name) key")
        }
        self.repository = repository
        self.cache = cache
        self.options = options
        self.foreignFolders = foreignFolders
        self.isInterrupted = isInterrupted
        self.warn = warn
        splitter = Splitter(options.chunking, salt: salt)
        let refusesReplacing = options.isDryRun ? true : try repository.probeConditionalWrites()
        blobs = try BlobWriter(repository, cache: cache, options: options)
        if !refusesReplacing {
            warn("cannot keep blobs from being replaced: the storage knows no conditional writes")
            try learnStoredBlobs()
        }
        try blobs.start()
    }

    deinit {
        blobs.stop()
    }

    // MARK: - Saving

    /// Saves operands as a new snapshot of a channel.
    ///
    /// - Throws: No snapshot was made; what is stored helps the next save.
    public func save(_ operands: [SaveOperand], channel: [UInt8]) throws(RekkordError) -> SaveResult {
        try store(operands, expandsRoot: true) { (roots) throws(RekkordError) in
            try writeSnapshot(of: roots, channel)
        }
    }

    /// Stores one file or folder without a snapshot.
    public func store(_ operand: SaveOperand) throws(RekkordError) -> SaveResult {
        // Without a snapshot whose roots its entries could be, `/` is a folder like any other.
        try store([operand], expandsRoot: false) { (roots) throws(RekkordError) in
            guard let root = roots.roots.first else { fatalError("an operand without an entry") }
            return SaveResult(
                object: options.isDryRun ? nil : ObjectID(root.kind.catalog, root.hash),
                channel: nil,
                time: nil,
                size: roots.totals.size,
                stored: roots.totals.stored,
                added: blobs.takeAdded(),
                entries: roots.totals.entries,
                unreadable: progress.unreadableCount,
                excluded: progress.excludedCount,
                isDryRun: options.isDryRun
            )
        }
    }

    private func store(
        _ operands: [SaveOperand],
        expandsRoot: Bool,
        _ end: (SavedEntries) throws(RekkordError) -> SaveResult
    ) throws(RekkordError) -> SaveResult {
        progress.reset()
        _ = blobs.takeAdded()
        let distinct = Self.distinct(operands)
        guard distinct.reduce(0, { $0 + $1.components.count }) <= SnapshotBlob.maxNameCount else {
            throw RekkordError(
                .usage,
                "cannot save: too many paths",
                hint: "save the folders that they are in, with --exclude for what is not wanted"
            )
        }
        // All of them first: nothing is stored when one cannot be.
        for operand in distinct { _ = try OpenOperand(operand, keepsAccessTimes: true) }
        let run = SaveRun(
            options,
            blobs: blobs,
            cache: cache,
            progress: progress,
            splitter: splitter,
            warn: warn,
            isInterrupted: isInterrupted
        )
        do {
            let roots = try run.run(distinct, expandsRoot: expandsRoot, foreignFolders: foreignFolders)
            try blobs.checkpoint()
            return try end(roots)
        } catch {
            // What was stored helps the next run; the first failure is the one to tell.
            try? blobs.checkpoint()
            throw error
        }
    }

    private func writeSnapshot(of entries: SavedEntries, _ channel: [UInt8]) throws(RekkordError)
        -> SaveResult
    {
        let (roots, totals) = (entries.roots, entries.totals)
        guard !roots.isEmpty else { throw RekkordError(.system, "cannot save: there is nothing to save") }
        let added = blobs.takeAdded()
        let snapshot = SnapshotBlob(
            time: .now(),
            size: totals.size,
            stored: totals.stored,
            added: added,
            channel: channel,
            totalEntries: totals.entries,
            roots: roots
        )
        let (id, byteCount) = try snapshot.encode().withRawBytes { (bytes) throws(RekkordError) in
            // Nobody else stores a blob now, so its size is there at once.
            try blobs.store(.snapshot, bytes, later: { _, _ in })
        }
        try blobs.checkpoint()
        try checkNotInterrupted()
        let payload = TagPayload(
            time: snapshot.time,
            size: totals.size,
            stored: totals.stored + (byteCount ?? 0),
            added: added + blobs.takeAdded(),
            channel: channel
        )
        if !options.isDryRun { try repository.writeTag(id, payload) }
        return SaveResult(
            object: options.isDryRun ? nil : id,
            channel: channel,
            time: options.isDryRun ? nil : snapshot.time,
            size: payload.size,
            stored: payload.stored,
            added: payload.added,
            entries: totals.entries,
            unreadable: progress.unreadableCount,
            excluded: progress.excludedCount,
            isDryRun: options.isDryRun
        )
    }

    private func checkNotInterrupted() throws(RekkordError) {
        if isInterrupted() { throw RekkordError(.interrupted, "interrupted") }
    }

    /// The operands without repetitions.
    private static func distinct(_ operands: [SaveOperand]) -> [SaveOperand] {
        var seen: Set<SaveOperand> = []
        return operands.filter { seen.insert($0).inserted }
    }

    // MARK: - Known blobs

    /// Without conditional writes, what is stored already must be known, so that nothing is written twice.
    private func learnStoredBlobs() throws(RekkordError) {
        if let cache {
            if !cache.isExhaustive { try repository.listBlobs(into: cache) }
        } else {
            try repository.listBlobs { blobs.learn($0) }
        }
    }
}
