import ArgumentParser
import Core

/// Lists what is in a snapshot or folder.
///
/// - Source: rekkord(1), "COMMANDS".
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the content of a snapshot or folder."
    )

    @OptionGroup var common: CommonOptions

    @Option(name: .shortAndLong, help: "Print in this format.")
    var format = OutputFormat.plain

    @Flag(name: .shortAndLong, help: "List folders inside too.")
    var recurse = false

    @Argument(help: ArgumentHelp("Channel or object ID, and path: web:home/alice.", valueName: "identifier"))
    var identifier: TextArgument

    func run() throws {
        let identifier = try Identifier(identifier.bytes)
        if identifier.target == .repository {
            throw RekkordError(
                .usage,
                "cannot list ':': it stands for all snapshots",
                hint: "use 'rekkord snapshots'"
            )
        }
        let context = try CommandContext(common)
        let console = context.console
        let repository = try context.openRepository(for: "list", requiring: .read)
        let cache = context.openObjectCache(of: repository) { console.warn($0) }
        let source = try BlobsAhead(
            CachedBlobs(repository, cache: cache),
            connectionCount: recurse ? context.threads : 1
        )
        defer { source.close() }
        let resolver = SnapshotResolver(source, listing: repository, warn: console.warn)
        var report = TreeReport(
            resolver.reader,
            isRecursive: recurse,
            format: format,
            verbosity: context.verbosity,
            emit: console.write,
            warn: console.warn,
            report: console.report,
            check: console.checkOutput
        )
        let name = self.identifier.printed
        switch try resolver.resolve(identifier) {
        case .repository: break
        case .snapshot(let snapshot): try report.print(snapshot)
        case .folder(let folder): try report.print(folder.view, name: name)
        case .leaf(let leaf):
            throw RekkordError(.unsupported, "cannot list '\(name)': it is a \(leaf.noun)")
        }
        if report.isEmpty { console.note("No entries") }
        if report.failureCount > 0 { throw ExitCode(ExitStatus.failed) }
    }
}
