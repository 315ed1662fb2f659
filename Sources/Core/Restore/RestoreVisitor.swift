import SystemPackage

/// Makes the folders that a walk meets, and hands the other entries to the workers.
struct RestoreVisitor: TreeVisitor {
    /// So many folders above the current one stay open.
    private static let maxOpenLevels = 64

    private let run: RestoreRun
    private var levels: [TargetFolder]
    /// What was met in the innermost folder and not handed over yet.
    private var batch: [Entry] = []

    /// Starts in `top`, which the walk must leave with `finish`.
    init(_ run: RestoreRun, _ top: TargetFolder) {
        self.run = run
        levels = [top]
    }

    mutating func begin(_ item: FolderView.Item, depth: Int) throws(RekkordError) -> Bool {
        try run.checkGoingOn()
        guard item.isFolder else {
            try add(item.entry)
            return false
        }
        flush()
        let parent = levels[levels.count - 1]
        guard let folder = run.openFolder(item, in: parent, parent.descriptor) else { return false }
        if run.pass != .compare, !item.isSynthetic {
            run.progress.addFolder()
            report(folder)
        }
        parent.begin()
        levels.append(folder)
        let closing = levels.count - 1 - Self.maxOpenLevels
        // The destination itself is held to the end.
        if closing > 0 { levels[closing].close() }
        if item.entry.objectID == nil, item.overlay == nil, run.pass != .compare {
            failReading(folder.path)
        }
        return true
    }

    mutating func open(_ view: FolderView, path: [UInt8]) throws(RekkordError) {
        enter(view, hiddenNameCount: view.stored?.hiddenNameCount ?? 0)
    }

    /// Starts with the entries of the innermost folder.
    func enter(_ view: FolderView, hiddenNameCount: Int) {
        let folder = levels[levels.count - 1]
        if hiddenNameCount > 0, run.pass != .compare {
            run.progress.addFailed(hiddenNameCount)
            let entries = hiddenNameCount == 1 ? "entry" : "entries"
            run.circumstances.warn(
                "cannot restore \(hiddenNameCount) \(entries) of '\(run.printed(folder.path))': bad or repeated name"
            )
        }
        if let directory = folder.descriptor {
            // Only what was read tells what the snapshot lacks.
            let isWhole = view.stored != nil && hiddenNameCount == 0
            run.tidy(folder, directory, keeping: isWhole ? view : nil)
        }
    }

    mutating func close() throws(RekkordError) {}

    mutating func end(_ item: FolderView.Item, depth: Int) throws(RekkordError) {
        guard item.isFolder, levels.count == depth + 2 else { return }
        leave()
    }

    mutating func fail(_ error: RekkordError) throws(RekkordError) {
        switch error.kind {
        case .missing, .corrupted, .unsupported, .storage, .denied, .system:
            // The rest of the tree can still be restored.
            run.fail(levels[levels.count - 1].path, error)
        case .usage, .notInitialized, .key, .notFound, .exists, .interrupted:
            throw error
        }
    }

    /// Leaves the top, however far the walk came.
    mutating func finish() {
        while !levels.isEmpty { leave() }
    }

    private mutating func leave() {
        flush()
        let folder = levels.removeLast()
        let directory = folder.descriptor
        // The walk goes on in the folder above, which may have been closed.
        if let parent = levels.last { _ = parent.reopen(from: directory) }
        if !levels.isEmpty { folder.close() }
        run.complete(folder, directory)
    }

    /// Takes a file, a link or something else that is no folder.
    private mutating func add(_ entry: Entry) throws(RekkordError) {
        let folder = levels[levels.count - 1]
        let path = { folder.path(of: entry.name) }
        guard entry.flags.contains(.stated), entry.kind == .unknown || entry.objectID != nil else {
            if run.pass != .compare { failReading(path()) }
            return
        }
        guard entry.kind != .unknown else {
            if run.pass == .compare { return }
            run.progress.addSkipped()
            return run.circumstances.warn("not restoring '\(run.printed(path()))': special file")
        }
        if run.pass == .plan {
            return run.restore(TargetPlace(folder: folder, directory: folder.descriptor, entry: entry))
        }
        batch.append(entry)
        if batch.count >= run.options.batchCount { flush() }
    }

    private mutating func flush() {
        guard !batch.isEmpty else { return }
        let folder = levels[levels.count - 1]
        folder.begin()
        // Refused only when nobody works any more.
        if !run.jobs.push(.entries(folder, folder.descriptor, batch)) { run.complete(folder, nil) }
        batch.removeAll(keepingCapacity: true)
    }

    private func failReading(_ path: [UInt8]) {
        let error = RekkordError(.missing, "it could not be read when it was saved")
        run.fail(path, error.reading(path))
    }

    private func report(_ folder: TargetFolder) {
        guard let report = run.circumstances.report else { return }
        report("[D] \(PrintedName.escape(folder.path))/")
    }
}
