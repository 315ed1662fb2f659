import ArgumentParser
import Core

/// Lists channels.
///
/// - Source: rekkord(1), "COMMANDS".
struct Channels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels",
        abstract: "List the channels of the repository with their newest snapshots."
    )

    @OptionGroup var common: CommonOptions

    @Option(name: .shortAndLong, help: "Print in this format.")
    var format = OutputFormat.plain

    @Option(
        help: ArgumentHelp(
            "Show only channels whose newest snapshot is older; the exit status is 3 if there are any.",
            valueName: "duration"
        )
    )
    var stale: String?

    func run() throws {
        let seconds = try value(of: "--stale") { () throws(FormatError) in
            try stale.map { (text) throws(FormatError) in try DurationText.parse(text) }
        }
        let context = try CommandContext(common)
        let repository = try context.openRepository(for: "list channels", requiring: .log)
        let listing = try repository.listTags()
        for warning in listing.warnings { context.console.warn(warning) }
        let report = ChannelReport(
            listing.tags,
            staleBefore: seconds.map { Timestamp.now().advanced(bySeconds: -$0) },
            verbosity: context.verbosity
        )
        report.print(as: format, context.console.write)
        if report.channels.isEmpty {
            context.console.note(stale == nil ? "No channels" : "No stale channels")
        }
        if stale != nil, !report.channels.isEmpty { throw ExitCode(ExitStatus.incomplete) }
    }
}
