import Synchronization
import SystemPackage

/// One pass over a tree: from folders that are read to files on the disk.
///
/// ```
/// walk (this thread): folders are made ── entries ── workers: fetch, check, write, rename
///   └ left ──────────────▸ TargetFolder ◂─── done ──┘
///                             └ complete: owner, attributes, mode, times; then the folder above
/// ```
final class RestoreRun: Sendable {
    /// What a pass does.
    enum Pass: Sendable {
        /// Everything is written.
        case write
        /// Nothing is fetched but folders, and nothing is written: a dry run.
        case plan
        /// Everything is fetched and checked, and nothing is written.
        case fetch
        /// What is on the disk is compared.
        case compare
    }

    /// What the workers do.
    enum Job: Sendable {
        case entries(TargetFolder, Descriptor?, [Entry])
        case help(ChunkedFile)
    }

    /// What a restore is made of, the same in each of its passes.
    struct Circumstances: Sendable {
        /// Where files and links come from.
        let content: any BlobSource
        let options: RestoreOptions
        /// Folders that are neither entered nor emptied, and why: the repository, the cache.
        let foreignFolders: [FileIdentity: String]
        /// Names a plaintext, to compare it without fetching it.
        let identify: @Sendable (BlobType, UnsafeRawBufferPointer) -> ObjectID
        let emptyFile: ObjectID
        let progress: RestoreProgress
        /// The destination, for messages.
        let destination: [UInt8]
        let isInterrupted: @Sendable () -> Bool
        /// Gets one line for everything that a user should know.
        let warn: @Sendable (String) -> Void
        /// Gets one line for each entry that is restored or removed, if anybody wants them.
        let report: (@Sendable (String) -> Void)?
    }

    /// How many jobs may wait; each holds an open folder at most.
    private static let queueCapacity = 128
    private static let pollMilliseconds = 50

    let circumstances: Circumstances
    let pass: Pass
    let names = TemporaryName()
    let jobs = BoundedQueue<Job>(capacity: queueCapacity)
    /// One for tables and one for chunks beyond the usual size, so that few of them are in memory.
    let largeTables = BoundedQueue<Bool>(capacity: 1)
    let largeChunks = BoundedQueue<Bool>(capacity: 1)
    private let done = BoundedQueue<Bool>(capacity: 1)
    private let refusal: Locked<RekkordError?> = Locked(nil)
    private let isStopped = Atomic(false)
    /// The entries that failed in an earlier pass, hashed, and those of this one.
    private let failures: Locked<Set<Int>>

    var options: RestoreOptions { circumstances.options }
    var progress: RestoreProgress { circumstances.progress }

    init(_ circumstances: Circumstances, _ pass: Pass, after earlier: RestoreRun? = nil) {
        self.circumstances = circumstances
        self.pass = pass
        failures = Locked(earlier?.failures.withLock { $0 } ?? [])
        largeTables.push(true)
        largeChunks.push(true)
    }

    /// Calls `walk` with the workers running, and returns when everything that it began is done.
    ///
    /// - Parameter top: The folder that everything is in; the walk ends with its `complete`.
    /// - Throws: When the disk is full, or the run was interrupted. Other failures are counted.
    func run(_ walk: () throws(RekkordError) -> Void) throws(RekkordError) {
        var workers: [WorkerThread] = []
        defer {
            isStopped.store(true, ordering: .relaxed)
            jobs.close()
            for worker in workers { worker.join() }
        }
        if pass != .plan {
            for number in 0..<max(1, options.threadCount) {
                workers.append(try WorkerThread(name: "restore \(number)") { [self] in work() })
            }
        }
        try walk()
        while true {
            if case .element = done.pop(timeoutMilliseconds: Self.pollMilliseconds) { break }
            try checkGoingOn()
        }
        try checkGoingOn()
    }

    /// Throws when the run cannot end well any more.
    func checkGoingOn() throws(RekkordError) {
        if circumstances.isInterrupted() { throw RekkordError(.interrupted, "interrupted") }
        if let error = refusal.withLock({ $0 }) { throw error }
    }

    /// Whether work is pointless: the run failed or was interrupted.
    var isOver: Bool {
        isStopped.load(ordering: .relaxed) || circumstances.isInterrupted()
    }

    private func work() {
        while let job = jobs.pop() {
            switch job {
            case .entries(let folder, let directory, let entries):
                for entry in entries {
                    if isOver { break }
                    restore(TargetPlace(folder: folder, directory: directory, entry: entry))
                }
                complete(folder, directory)
            case .help(let file):
                work(on: file)
            }
        }
    }

    // MARK: - Folders

    /// Counts that something in a folder is done; completes the folder and those above as far as it was the last.
    ///
    /// - Parameter directory: The open folder; nil when it is not there, or was moved away.
    func complete(_ folder: TargetFolder, _ directory: Descriptor?) {
        guard folder.end() else { return }
        var folder = folder
        var directory = directory
        while true {
            if !isOver, pass == .write { finish(folder, directory) }
            guard let parent = folder.parent else { break }
            // Folders far below may still be referred to, and their descriptors would add up.
            folder.close()
            guard parent.end() else { return }
            directory = parent.reopen(from: directory)
            folder = parent
        }
        done.push(true)
    }

    /// Gives a folder its attributes.
    private func finish(_ folder: TargetFolder, _ directory: Descriptor?) {
        guard folder.entry != nil || folder.formerMode != nil else { return }
        guard let directory else {
            return fail(folder.path, "cannot set attributes of '\(printed(folder.path))': it was moved away")
        }
        if let entry = folder.entry {
            var attributes = TargetAttributes(entry, options)
            attributes.set(on: directory.number, isNew: folder.isNew, inheritsLists: false)
            report(attributes.problems, folder.path)
        } else if let mode = folder.formerMode {
            do throws(Errno) {
                try System.setMode(mode, of: directory.number)
            } catch {
                fail(folder.path, "cannot set the mode of '\(printed(folder.path))': \(error)")
            }
        }
    }

    // MARK: - Failures

    /// Counts and names an entry that cannot be restored.
    func fail(_ path: [UInt8], _ message: String) {
        let isNew = failures.withLock { $0.insert(path.hashValue).inserted }
        // In a later pass its second failure is no news.
        guard isNew || pass != .compare else { return }
        if isNew { progress.addFailed() }
        circumstances.warn(message)
    }

    /// As above; some errors end the run.
    func fail(_ path: [UInt8], _ error: RekkordError) {
        if error.kind != .interrupted { fail(path, error.message) }
    }

    /// Names what could not be set; the entry counts once.
    func report(_ problems: [TargetAttributes.Problem], _ place: @autoclosure () -> [UInt8]) {
        guard let first = problems.first else { return }
        let path = place()
        func text(_ problem: TargetAttributes.Problem) -> String {
            "cannot set \(problem.what) of '\(printed(path))': \(problem.reason)"
        }
        fail(path, text(first))
        for problem in problems.dropFirst() { circumstances.warn(text(problem)) }
    }

    /// Does what changes the disk, and tells the path when it fails; a disk that takes nothing more ends the run.
    func writing<Value>(
        _ path: @autoclosure () -> [UInt8],
        _ body: () throws(Errno) -> Value
    ) throws(RekkordError) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            let failure = RekkordError(.system, "cannot write '\(printed(path()))': \(error)")
            switch error {
            case .readOnlyFileSystem where !System.isReadOnly(circumstances.destination):
                // Something else that is mounted below the destination.
                throw failure
            case .noSpace, .diskQuotaExceeded, .readOnlyFileSystem:
                refusal.withLock { if $0 == nil { $0 = failure } }
                isStopped.store(true, ordering: .relaxed)
                throw RekkordError(.interrupted, failure.message)
            default:
                throw failure
            }
        }
    }

    /// Looks at what is there, and tells the path when that fails.
    func reading<Value>(
        _ path: @autoclosure () -> [UInt8],
        _ body: () throws(Errno) -> Value
    ) throws(RekkordError) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            throw RekkordError(.system, "cannot read '\(printed(path()))': \(error)")
        }
    }

    /// The full path of an entry as messages show it.
    func printed(_ path: [UInt8]) -> String {
        let destination = circumstances.destination
        if path.isEmpty || destination.isEmpty { return PrintedName.escape(destination + path) }
        let slash = UInt8(ascii: "/")
        return PrintedName.escape(destination + (destination.last == slash ? [] : [slash]) + path)
    }
}
