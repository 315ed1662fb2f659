import ArgumentParser
import Core

/// Restores a snapshot, a folder, a file or a link to the disk.
///
/// - Source: rekkord(1), "COMMANDS".
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore a snapshot, a folder or a file to the disk."
    )

    /// What is restored besides content, names, times and permissions.
    enum Metadata: String, KeywordArgument {
        case owner = "Owner"
        case extendedAttributes = "XAttrs"
    }

    /// Which existing entries are replaced.
    enum Overwrite: String, KeywordArgument {
        case always, changed, newer, never

        var option: RestoreOptions.Overwrite {
            switch self {
            case .always: .always
            case .changed: .changed
            case .newer: .newer
            case .never: .never
            }
        }
    }

    @OptionGroup var common: CommonOptions

    @Flag(name: .shortAndLong, help: "Write to a destination that exists and is not empty.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "Replace existing files always, if they changed, if the snapshot's are newer, or never; implies --force.",
            valueName: "when"
        )
    )
    var overwrite: Overwrite?

    @Flag(help: "Remove what the snapshot lacks, inside folders fully read.")
    var delete = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Restore these too: Owner, XAttrs (with access control lists).",
            valueName: "list"
        )
    )
    var meta: [KeywordList<Metadata>] = []

    @Flag(help: "Leave holes where files have blocks of zeros.")
    var sparse = false

    @Flag(help: "Read every file back and compare; with --dry-run: fetch and check.")
    var verify = false

    @Flag(name: [.customShort("n"), .long], help: "Show what would be done, and write nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("Print the summary as Plain or JSON.", valueName: "format"))
    var format = SummaryFormat.plain

    @Argument(
        help: ArgumentHelp("Channel or object ID, and path: web:home/alice.", valueName: "identifier")
    )
    var identifier: TextArgument

    @Argument(help: "Folder, or file, that is written.")
    var destination: PathArgument

    func run() throws {
        let identifier = try Identifier(identifier.bytes)
        if identifier.target == .repository {
            throw RekkordError(
                .usage,
                "cannot restore ':': it stands for all snapshots",
                hint: "use 'rekkord snapshots'"
            )
        }
        if delete, !force, overwrite == nil {
            throw CommandLineReader.error("'--delete' needs '--force'", Self.self)
        }
        let context = try CommandContext(common)
        let console = context.console
        let repository = try context.openRepository(for: "restore", requiring: .read)
        System.raiseOpenFileLimit()
        Signals.cooperate()
        let cache = context.openObjectCache(of: repository) { console.warn($0) }
        defer { cache?.close() }
        let content = CachedBlobs(repository, cache: cache)
        let isRemote = repository.storage.kind.isRemote
        // Where each folder takes a while, the next ones have to be on their way.
        let ahead = isRemote ? try BlobsAhead(content, connectionCount: context.threads) : nil
        defer { ahead?.close() }
        let resolver = SnapshotResolver(ahead ?? content, listing: repository, warn: console.warn)
        let subject = try RestoreSubject(
            try resolver.resolve(identifier),
            name: self.identifier.printed,
            resolver.reader
        )
        let note: @Sendable (String) -> Void = { console.note($0) }
        let restorer = Restorer(
            resolver.reader,
            content: content,
            options: options(context, isRemote: isRemote),
            foreignFolders: try context.foreignFolders(),
            identify: { repository.identify($0, $1) },
            isInterrupted: { Signals.received != nil },
            warn: { console.warn($0) },
            report: context.verbosity > 0 ? note : nil
        )
        var report = RestoreReport(format, console)
        let progress = restorer.progress
        let ticker = try ProgressTicker("Restoring", context) {
            .init(done: progress.doneByteCount, total: progress.totalByteCount)
        }
        defer { ticker.stop() }
        let result = try restorer.restore(subject, to: destination.path)
        ticker.stop()
        try report.finish(result, subject.object, destination, isDryRun: dryRun)
        if report.status != ExitStatus.done { throw ExitCode(report.status) }
    }

    private func options(_ context: CommandContext, isRemote: Bool) -> RestoreOptions {
        let metadata = Set(meta.flatMap(\.keywords))
        var options = RestoreOptions()
        options.allowsExisting = force || overwrite != nil
        options.overwrite = (overwrite ?? .always).option
        options.deletes = delete
        options.restoresOwners = metadata.contains(.owner)
        options.restoresExtendedAttributes = metadata.contains(.extendedAttributes)
        options.leavesHoles = sparse
        options.verifies = verify
        options.isDryRun = dryRun
        options.threadCount = context.threads
        if isRemote { options.batchCount = 1 }
        return options
    }
}
