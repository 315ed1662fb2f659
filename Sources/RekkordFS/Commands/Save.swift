import ArgumentParser
import Core
import SystemPackage

/// Saves files and folders.
///
/// - Source: rekkord(1), "COMMANDS".
struct Save: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save",
        abstract: "Save files and folders as a new snapshot.",
        usage: """
            rekkord save [options] <channel> <path> ...
            rekkord save [options] --from <file>
            rekkord save [options] --no-snapshot <path>
            """
    )

    /// What is stored besides names, times, owners and permissions.
    enum Metadata: String, KeywordArgument {
        case accessTime = "ATime"
        case extendedAttributes = "XAttrs"
    }

    @OptionGroup var common: CommonOptions

    @Option(
        name: [.customShort("F"), .long],
        help: ArgumentHelp(
            "Save what this file lists: [channel] sections of SourcePath lines.",
            valueName: "file"
        )
    )
    var from: PathArgument?

    @Flag(name: .shortAndLong, help: "Read every file, also where nothing seems to have changed.")
    var force = false

    @Flag(help: "Read every file, and fail where content changed under equal times and size.")
    var rehash = false

    @Flag(help: "Follow symbolic links met below the paths.")
    var follow = false

    @Flag(name: .customLong("noatime"), help: "Leave access times alone where that is permitted.")
    var noAccessTime = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Store these too: ATime, XAttrs (with access control lists).", valueName: "list")
    )
    var meta: [KeywordList<Metadata>] = []

    @Flag(
        name: [.customLong("no-snapshot"), .customLong("raw")],
        help: "Store one file or folder without a snapshot, and show its object ID."
    )
    var noSnapshot = false

    @OptionGroup var excludes: ExcludeOptions

    @Flag(name: [.customShort("n"), .long], help: "Find out what would be stored, and store nothing.")
    var dryRun = false

    @Flag(name: .customLong("no-hooks"), help: "Do not run the hooks that the configuration names.")
    var noHooks = false

    @Flag(name: .customLong("no-report"), help: "Accepted for scripts; has no effect.")
    var noReport = false

    @Option(help: ArgumentHelp("Print the summary as Plain or JSON.", valueName: "format"))
    var format = SummaryFormat.plain

    @Argument(
        help: ArgumentHelp("Channel that receives the snapshot, and paths to save.", valueName: "operand"),
        completion: .file()
    )
    var operands: [TextArgument] = []

    func run() throws {
        let environment = ProcessEnvironment.current()
        let plan = try plan(environment.workingDirectory)
        let rules = try excludeRules(environment.workingDirectory)
        let context = try CommandContext(common, environment: environment)
        let folders = context.settings.hooks
        let skipsHooks = noHooks || dryRun
        let hooks = Hooks(
            before: skipsHooks ? nil : folders.preSaveDirectory,
            after: skipsHooks ? nil : folders.postSaveDirectory
        )
        try hooks.run(context) { try save(plan, rules, context) }
    }

    private func save(_ plan: SavePlan, _ rules: ExcludeRules, _ context: CommandContext) throws {
        let repository = try context.openRepository(for: "save", requiring: .write)
        if repository.keys.type.canRead, context.console.isTerminal {
            context.console.hint("prefer a WriteOnly key for save")
        }
        System.raiseOpenFileLimit()
        Signals.cooperate()
        let progress = SaveProgress()
        let cache = openCache(context, repository)
        let foreignFolders = try context.foreignFolders()
        func makeSaver() throws(RekkordError) -> Saver {
            try Saver(
                repository,
                cache: cache,
                options: options(context, rules),
                foreignFolders: foreignFolders,
                progress: progress,
                isInterrupted: { Signals.received != nil },
                warn: { [console = context.console] in console.warn($0) }
            )
        }
        var saver: Saver? = try makeSaver()
        var report = SaveReport(format, isDryRun: dryRun, context.console)
        let isList = from != nil
        let ticker = try ProgressTicker("Saving", context) {
            .init(
                done: Int64(progress.byteCount),
                total: progress.plannedByteCount.map(Int64.init),
                entries: progress.entryCount
            )
        }
        defer { ticker.stop() }
        for item in plan.items {
            ticker.restart()
            let result = Result { () throws(RekkordError) in
                // The next one may succeed, with a connection of its own.
                if saver?.isBroken == true { saver = nil }
                if let saver { return try run(item, saver) }
                let another = try makeSaver()
                saver = another
                return try run(item, another)
            }
            switch result {
            case .success(let result): report.add(result)
            case .failure(let error):
                // Those of a list are all tried.
                guard isList, error.kind != .interrupted else { throw error }
                report.add(error, channel: item.channel)
            }
        }
        ticker.stop()
        try report.finish(isList: isList)
        if report.status != ExitStatus.done { throw ExitCode(report.status) }
    }

    private func plan(_ workingDirectory: FilePath) throws(RekkordError) -> SavePlan {
        guard let from else {
            return try SavePlan(
                operands: operands,
                noSnapshot: noSnapshot,
                workingDirectory: workingDirectory
            )
        }
        if noSnapshot {
            throw CommandLineReader.error("'--from' and '--no-snapshot' exclude each other", Self.self)
        }
        if let operand = operands.first {
            throw CommandLineReader.error("surplus operand '\(operand.printed)'", Self.self)
        }
        return try SavePlan(list: from.path, workingDirectory: workingDirectory)
    }

    private func run(_ item: SavePlan.Item, _ saver: Saver) throws(RekkordError) -> SaveResult {
        let operands = try item.operands()
        switch item.channel {
        case .some(let channel): return try saver.save(operands, channel: channel)
        case .none: return try saver.store(operands[0])
        }
    }

    /// Opens the cache; a save works without one, only slower, and a dry run makes none.
    private func openCache(_ context: CommandContext, _ repository: Repository) -> LocalCache? {
        do {
            if dryRun, try !context.hasCache(of: repository) { return nil }
            return try context.openCache(of: repository)
        } catch {
            context.console.warn(error.message)
            return nil
        }
    }

    private func options(_ context: CommandContext, _ rules: ExcludeRules) -> SaveOptions {
        let metadata = Set(meta.flatMap(\.keywords))
        var options = SaveOptions()
        options.readsEveryFile = force
        options.comparesContent = rehash
        options.followsLinks = follow
        options.excludes = rules
        options.staysOnFileSystem = excludes.oneFileSystem
        options.isDryRun = dryRun
        options.keepsAccessTimes = noAccessTime
        options.storesAccessTimes = metadata.contains(.accessTime)
        options.storesExtendedAttributes = metadata.contains(.extendedAttributes)
        options.chunking = context.chunking
        options.compressionLevel = context.settings.compressionLevel
        options.verifiesBlobs = context.settings.testWrites
        options.threadCount = context.threads
        return options
    }
}
