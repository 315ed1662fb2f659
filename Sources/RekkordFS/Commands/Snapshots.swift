import ArgumentParser
import Core

/// Lists snapshots.
///
/// - Source: rekkord(1), "COMMANDS".
struct Snapshots: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshots",
        abstract: "List the snapshots of the repository."
    )

    @OptionGroup var common: CommonOptions

    @Option(name: .shortAndLong, help: "Print in this format.")
    var format = OutputFormat.plain

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Sort by these: Object, Time, Channel, Size, Stored, Added; '~' before a word reverses.",
            valueName: "list"
        )
    )
    var sort = "Time"

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Show only snapshots of this channel.", valueName: "name")
    )
    var channel: TextArgument?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Show only snapshots of channels that match this pattern.", valueName: "glob")
    )
    var pattern: TextArgument?

    func run() throws {
        if channel != nil, pattern != nil {
            throw RekkordError(.usage, "'--channel' and '--pattern' exclude each other")
        }
        let order = try value(of: "--sort") { () throws(FormatError) in try SnapshotReport.Order(sort) }
        let glob = try value(of: "--pattern") { () throws(FormatError) in
            try pattern.map { (pattern) throws(FormatError) in try GlobPattern(pattern.bytes) }
        }
        let context = try CommandContext(common)
        let repository = try context.openRepository(for: "list snapshots", requiring: .log)
        let listing = try repository.listTags()
        for warning in listing.warnings { context.console.warn(warning) }
        let tags = listing.tags.filter { tag in
            if let channel { return tag.channel == channel.bytes }
            return glob?.matches(tag.channel) ?? true
        }
        var report = SnapshotReport(tags: order.sort(tags), verbosity: context.verbosity)
        if format != .plain || context.verbosity > 0 {
            report.protectedUntil = protectedSnapshots(context, repository)
        }
        report.print(as: format, context.console.write)
        if tags.isEmpty { context.console.note("No snapshots") }
    }

    /// What scans of this machine know; nothing, with a warning, when that cannot be read.
    private func protectedSnapshots(_ context: CommandContext, _ repository: Repository) -> [ObjectID:
        Timestamp]
    {
        do {
            return try context.openScanMemory(of: repository)?.protectedSnapshots() ?? [:]
        } catch {
            context.console.warn(error.message)
            return [:]
        }
    }
}
