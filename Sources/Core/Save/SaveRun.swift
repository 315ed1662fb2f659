import Synchronization
import SystemPackage

/// One pass over operands: from the walk to the objects of the roots.
///
/// ```
/// walk (this thread) ── jobs ── workers: read, cut, hash, seal ── BlobWriter
///   └ entries ─ FolderNode ◂──────┘ hash, sizes
///                   └ complete: encode, store, tell the folder above
/// ```
final class SaveRun: Sendable {
    /// What the workers do.
    enum Job: Sendable {
        case file(FileJob)
        case link(LinkTarget, FolderNode, index: Int)
        case chunk(ByteBuffer, SavedFile, index: Int)
        case folder(FolderNode)
    }

    /// How many jobs may wait; each holds a descriptor at most.
    static let queueCapacity = 256
    private static let pollMilliseconds = 50

    let options: SaveOptions
    let blobs: BlobWriter
    let cache: LocalCache?
    let progress: SaveProgress
    let splitter: Splitter
    /// Gets one line for everything that a user should know.
    let warn: @Sendable (String) -> Void
    let isInterrupted: @Sendable () -> Bool
    let jobs = BoundedQueue<Job>(capacity: queueCapacity)

    private let roots = FolderNode(
        name: [],
        key: .root,
        parent: nil,
        index: 0,
        entries: SavedEntries(),
        reusable: nil
    )
    private let result: Locked<FolderNode.State?> = Locked(nil)
    private let done = BoundedQueue<Bool>(capacity: 1)
    private let mismatchCount = Atomic(0)
    private let refusal: Locked<RekkordError?> = Locked(nil)
    private let isStopped = Atomic(false)

    init(
        _ options: SaveOptions,
        blobs: BlobWriter,
        cache: LocalCache?,
        progress: SaveProgress,
        splitter: Splitter,
        warn: @escaping @Sendable (String) -> Void,
        isInterrupted: @escaping @Sendable () -> Bool
    ) {
        self.options = options
        self.blobs = blobs
        self.cache = cache
        self.progress = progress
        self.splitter = splitter
        self.warn = warn
        self.isInterrupted = isInterrupted
    }

    /// Saves the operands, and returns the finished entries of the snapshot.
    ///
    /// - Parameter expandsRoot: Whether the entries of `/` take its place.
    /// - Throws: When an operand cannot be read, the storage fails, content is not what it has to be, or the
    ///   run was interrupted.
    func run(
        _ operands: [SaveOperand],
        expandsRoot: Bool,
        foreignFolders: [FileIdentity: String]
    ) throws(RekkordError) -> SavedEntries {
        var workers: [WorkerThread] = []
        defer {
            isStopped.store(true, ordering: .relaxed)
            jobs.close()
            for worker in workers { worker.join() }
        }
        for number in 0..<max(1, options.threadCount) {
            workers.append(try WorkerThread(name: "save \(number)") { [self] in work() })
        }
        let walk = SaveVisitor(self, foreignFolders: foreignFolders)
        // Each is a root of its own, and none that rules leave out.
        let named = Set(operands.lazy.filter { $0.components.count == 1 }.map(\.name))
        for operand in operands {
            if operand.isRoot && expandsRoot {
                try walk.visitEntries(of: operand, without: named, as: roots)
            } else {
                try walk.visit(operand, under: roots)
            }
        }
        walk.end()
        progress.endPlan()
        if roots.endWalk() { finish(roots) }
        let state = try waitForRoots()
        if mismatchCount.load(ordering: .relaxed) > 0 {
            throw RekkordError(
                .system,
                "cannot save: files changed under equal times and size",
                hint: "use --force to save them as they are"
            )
        }
        return state.entries
    }

    private func waitForRoots() throws(RekkordError) -> FolderNode.State {
        while true {
            if case .element = done.pop(timeoutMilliseconds: Self.pollMilliseconds) {
                guard let state = result.withLock({ $0 }) else { fatalError("a save without a result") }
                return state
            }
            try checkGoingOn()
        }
    }

    /// Throws when the run cannot end well any more.
    func checkGoingOn() throws(RekkordError) {
        if isInterrupted() { throw RekkordError(.interrupted, "interrupted") }
        if let failure = blobs.failure ?? refusal.withLock({ $0 }) { throw failure }
    }

    /// Whether `node` is the level of the roots.
    func isRoots(_ node: FolderNode) -> Bool { node === roots }

    /// Whether work is pointless: the run failed or was interrupted.
    var isOver: Bool {
        isStopped.load(ordering: .relaxed) || isInterrupted() || blobs.failure != nil
    }

    /// Ends the run with an error that is not the storage's.
    func refuse(_ error: RekkordError) {
        refusal.withLock { if $0 == nil { $0 = error } }
    }

    /// Takes the finished level of roots.
    func end(_ state: FolderNode.State) {
        if cache != nil, !state.keepsRecord { rememberRoots(state.entries) }
        result.withLock { $0 = state }
        done.push(true)
    }

    /// Files that are operands have no folder that remembers them, and `/` has no object: they get records of their own.
    private func rememberRoots(_ entries: SavedEntries) {
        func remember(_ key: LocalCache.FolderKey, where isMeant: (Int) -> Bool) {
            blobs.remember(
                entries.record(of: key, options.circumstances, hash: .zero, stored: 0, where: isMeant)
            )
        }
        var hasOthers = false
        entries.forEach { entry, index, _, _ in
            guard let key = entries.operandKeys[index] else { return hasOthers = true }
            if entry.kind == .file { remember(key) { $0 == index } }
        }
        if hasOthers { remember(.root) { entries.operandKeys[$0] == nil } }
    }

    /// Encodes extended attributes; those that cannot be stored are named.
    ///
    /// - Returns: Nil when they cannot be read.
    func attributes(
        _ read: () throws(Errno) -> [ExtendedAttribute],
        _ path: () -> String
    ) -> [UInt8]? {
        do throws(Errno) {
            let encoded = ExtendedAttributes.encode(try read())
            for key in encoded.dropped {
                warn("cannot store attribute '\(PrintedName.escape(key))' of '\(path())': too large")
            }
            return encoded.bytes
        } catch .noSuchFileOrDirectory {
            // It vanished; whoever reads its content will notice.
            return nil
        } catch {
            warn("cannot read attributes of '\(path())': \(error)")
            return nil
        }
    }

    /// The same of what took the place of an entry and is open now; none when they cannot be read or are not wanted.
    func attributes(of other: Descriptor, _ path: () -> String) -> [UInt8] {
        guard options.storesExtendedAttributes else { return [] }
        return attributes({ () throws(Errno) in try FileMetadata.extendedAttributes(of: other) }, path) ?? []
    }

    /// Names an entry that is stored without content.
    func reportUnreadable(_ name: [UInt8], in folder: FolderNode, _ error: Errno) {
        progress.addUnreadable()
        warn("cannot read '\(folder.path(of: name))': \(error)")
    }

    /// Names an entry in whose place something of another kind was found; as one that vanished, it is stored nowhere.
    func reportReplaced(_ name: [UInt8], in folder: FolderNode) {
        warn("leaving out '\(folder.path(of: name))': it was replaced while it was saved")
    }

    /// Names a file whose content is not what its times and size promise.
    func reportMismatch(_ name: [UInt8], in folder: FolderNode) {
        mismatchCount.wrappingAdd(1, ordering: .relaxed)
        folder.keepRecord()
        warn("content of '\(folder.path(of: name))' changed: its times and size did not")
    }
}
