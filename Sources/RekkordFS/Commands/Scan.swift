import ArgumentParser
import Core

/// Checks everything that snapshots need, and extends its locks.
///
/// - Source: rekkord(1), "COMMANDS".
struct Scan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Check all snapshots, and extend the locks of what they need."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Read every blob again, also those that were checked lately.")
    var all = false

    @Option(
        name: .customLong("max-age"),
        help: ArgumentHelp("Trust what was checked within this time.", valueName: "duration")
    )
    var maxAge = "7d"

    @Flag(name: .customLong("no-hooks"), help: "Do not run the hooks that the configuration names.")
    var noHooks = false

    @Option(help: ArgumentHelp("Print the report as Plain or JSON.", valueName: "format"))
    var format = SummaryFormat.plain

    func run() throws {
        var options = ScanOptions()
        options.maxAgeSeconds = try value(of: "--max-age") { () throws(FormatError) in
            try DurationText.parse(maxAge)
        }
        if all { options.maxAgeSeconds = 0 }
        let context = try CommandContext(common)
        options.threadCount = context.threads
        let folders = context.settings.hooks
        let hooks = Hooks(
            before: noHooks ? nil : folders.preScanDirectory,
            after: noHooks ? nil : folders.postScanDirectory
        )
        try hooks.run(context) { try scan(options, context) }
    }

    private func scan(_ options: ScanOptions, _ context: CommandContext) throws {
        let repository = try context.openRepository(for: "scan", requiring: .read)
        System.raiseOpenFileLimit()
        Signals.cooperate()
        var report = ScanSummary(format, context.console)
        let scanner = try Scanner(
            repository,
            memory: try openMemory(context, repository),
            options: options,
            isInterrupted: { Signals.received != nil },
            warn: { [console = context.console] in console.warn($0) }
        )
        let ticker = try ProgressTicker("Scanning", context) { [progress = scanner.progress] in
            .init(done: Int64(progress.byteCount))
        }
        defer { ticker.stop() }
        let result = try scanner.run()
        ticker.stop()
        try report.print(result)
        if report.status != ExitStatus.done { throw ExitCode(report.status) }
    }

    /// A scan works without remembering anything, only slower.
    private func openMemory(_ context: CommandContext, _ repository: Repository) throws(RekkordError)
        -> ScanMemory
    {
        let warn: @Sendable (String) -> Void = { [console = context.console] in console.warn($0) }
        do {
            return try ScanMemory(folder: try context.cacheFolder(of: repository), warn: warn)
        } catch {
            context.console.warn(error.message)
            return try ScanMemory(warn: warn)
        }
    }
}
