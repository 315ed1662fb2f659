public import SystemPackage

/// Brings what is in a snapshot back to the disk.
///
/// Everything that a repository holds is taken for hostile: nothing is written, linked or changed outside the
/// destination, whatever it says. Needs a key with Read. For one thread at a time, and one restore.
///
/// - Source: rekkord(1), "restore".
public final class Restorer {
    private let reader: SnapshotReader
    private let content: any BlobSource
    private let options: RestoreOptions
    private let foreignFolders: [FileIdentity: String]
    private let identify: @Sendable (BlobType, UnsafeRawBufferPointer) -> ObjectID
    private let isInterrupted: @Sendable () -> Bool
    private let warn: @Sendable (String) -> Void
    private let report: (@Sendable (String) -> Void)?
    /// What was done so far.
    public let progress = RestoreProgress()

    /// Prepares a restore.
    ///
    /// - Parameters:
    ///   - reader: Reads the folders, on the thread that restores.
    ///   - content: Reads files and links, on the threads of the restore.
    ///   - foreignFolders: Folders that are neither entered nor emptied, and why: the repository, the cache.
    ///   - identify: Names a plaintext as `Repository.identify` does.
    ///   - isInterrupted: Asked often, on any thread; once it says yes, the restore ends where it is.
    ///   - warn: Gets one line, without a prefix, for each thing that a user should know; called on any thread.
    ///   - report: Gets one line for each entry that is restored or removed; called on any thread.
    public init(
        _ reader: SnapshotReader,
        content: any BlobSource,
        options: RestoreOptions,
        foreignFolders: [FileIdentity: String],
        identify: @escaping @Sendable (BlobType, UnsafeRawBufferPointer) -> ObjectID,
        isInterrupted: @escaping @Sendable () -> Bool,
        warn: @escaping @Sendable (String) -> Void,
        report: (@Sendable (String) -> Void)?
    ) {
        self.reader = reader
        self.content = content
        self.options = options
        self.foreignFolders = foreignFolders
        self.identify = identify
        self.isInterrupted = isInterrupted
        self.warn = warn
        self.report = report
    }

    /// Restores `subject` to `destination`, a folder for folders and a file for files.
    ///
    /// - Throws: When the destination cannot be used, the disk is full, or the restore was interrupted. Entries
    ///   that could not be restored are counted and named.
    public func restore(_ subject: RestoreSubject, to destination: FilePath) throws(RekkordError)
        -> RestoreResult
    {
        let passCount: Int64 = options.verifies && !options.isDryRun ? 2 : 1
        progress.expect(byteCount: min(subject.byteCount, .max / passCount) * passCount)
        let first: RestoreRun.Pass = options.isDryRun ? (options.verifies ? .fetch : .plan) : .write
        let place = RestoreDestination(destination, options, foreignFolders: foreignFolders)
        let run: RestoreRun
        switch subject.content {
        case .folder(let view):
            run = RestoreRun(circumstances(destination), first)
            let top = try place.folder(atMost: subject.mode)
            try walk(run, top, view, hiddenNameCount: subject.hiddenNameCount)
            guard first == .write, options.verifies else { break }
            try walk(
                RestoreRun(run.circumstances, .compare, after: run),
                again(top),
                view,
                hiddenNameCount: 0
            )
        case .leaf(let entry):
            let found = try place.place(named: entry.name)
            run = RestoreRun(circumstances(found.path), first)
            let renamed = Entry(entry.attributes, name: found.name, extended: entry.extended)
            try hand(renamed, to: run, found.folder)
            guard first == .write, options.verifies else { break }
            try hand(renamed, to: RestoreRun(run.circumstances, .compare, after: run), again(found.folder))
        }
        return RestoreResult(progress)
    }

    /// Everything in a folder.
    private func walk(
        _ run: RestoreRun,
        _ top: TargetFolder,
        _ view: FolderView,
        hiddenNameCount: Int
    ) throws(RekkordError) {
        try run.run { () throws(RekkordError) in
            var visitor = RestoreVisitor(run, top)
            // Innermost first, also when the walk ends early.
            defer { visitor.finish() }
            visitor.enter(view, hiddenNameCount: hiddenNameCount)
            var walk = TreeWalk(reader, isRecursive: true)
            try walk.visit(view, &visitor)
        }
    }

    /// One file or link.
    private func hand(_ entry: Entry, to run: RestoreRun, _ folder: TargetFolder) throws(RekkordError) {
        try run.run { () throws(RekkordError) in
            var visitor = RestoreVisitor(run, folder)
            defer { visitor.finish() }
            _ = try visitor.begin(FolderView.Item(entry), depth: 0)
        }
    }

    /// The destination for a second pass, when all that was written is on the disk.
    private func again(_ top: TargetFolder) -> TargetFolder {
        progress.startVerifying()
        guard let descriptor = top.descriptor else { fatalError("a destination that was not opened") }
        try? System.syncFileSystem(descriptor.number)
        return TargetFolder(
            name: [],
            parent: nil,
            descriptor: descriptor,
            identity: top.identity,
            isNew: false,
            entry: nil
        )
    }

    private func circumstances(_ destination: FilePath) -> RestoreRun.Circumstances {
        let emptyFile = FileTable.encode([], size: 0).withRawBytes { identify(.file, $0) }
        return RestoreRun.Circumstances(
            content: content,
            options: options,
            foreignFolders: foreignFolders,
            identify: identify,
            emptyFile: emptyFile,
            progress: progress,
            destination: destination.bytes,
            isInterrupted: isInterrupted,
            warn: warn,
            report: report
        )
    }
}
