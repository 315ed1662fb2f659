import ArgumentParser
import Core
import Glibc
import SystemPackage

/// Shows a snapshot, a folder or the whole repository as a file system.
///
/// - Source: rekkord(1), "mount".
struct Mount: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a snapshot, a folder or the whole repository as a file system.",
        usage: "rekkord mount [options] [<identifier>] <mountpoint>",
        discussion: "An identifier is <OID|channel>[:<path>]; without one, all snapshots are shown."
    )

    @OptionGroup var common: CommonOptions

    @Flag(name: [.customShort("f"), .customLong("foreground")], help: "Stay in the foreground.")
    var isForeground = false

    @Flag(name: .customLong("allow-other"), help: "Let other users in; turns on --default-permissions.")
    var allowsOthers = false

    @Flag(name: .customLong("allow-root"), help: "Let root in.")
    var allowsRoot = false

    @Flag(name: .customLong("default-permissions"), help: "Let the kernel enforce the stored modes.")
    var enforcesPermissions = false

    @Flag(name: .customLong("no-default-permissions"), help: "Do not let it, even with --allow-other.")
    var ignoresPermissions = false

    @Flag(name: .customLong("auto-unmount"), help: "Unmount when the process dies.")
    var unmountsAlways = false

    @Flag(name: .customLong("debug"), help: "Log each request; stays in the foreground.")
    var isDebugging = false

    @Option(
        name: .customLong("owner"),
        help: ArgumentHelp("Show everything as theirs.", valueName: "user[:group]")
    )
    var owner: TextArgument?

    @Flag(name: .customLong("owner-root"), help: "Show everything as root's.")
    var isOwnedByRoot = false

    @Flag(name: .customLong("nonempty"), help: "Allow a mount point with content.")
    var allowsContent = false

    @Option(
        name: .customLong("refresh"),
        help: ArgumentHelp("Look for new snapshots at most this often: 60s, 0, never.", valueName: "duration")
    )
    var refresh: String = "60s"

    @Option(
        name: .customLong("read-ahead"),
        help: ArgumentHelp("Fetch at most this much ahead of a sequential reader.", valueName: "size")
    )
    var readAhead: String = "64M"

    @Flag(name: .customLong("stats"), help: "Print counters when unmounted.")
    var printsStatistics = false

    @Option(
        name: .customLong("cache-size"),
        help: ArgumentHelp("Keep this much decoded data in memory.", valueName: "size")
    )
    var cacheSize: String?

    @Option(
        name: .customLong("disk-cache-size"),
        help: ArgumentHelp("Keep this much encrypted data on disk.", valueName: "size")
    )
    var diskCacheSize: String?

    @Option(
        name: .customLong("log-file"),
        help: ArgumentHelp("Write messages here in the background, not to syslog.", valueName: "file")
    )
    var logFile: PathArgument?

    @Option(
        name: .customShort("o"),
        help: ArgumentHelp("Take options as mount(8) gives them.", valueName: "list")
    )
    var lists: [String] = []

    @Option(name: .customLong("fsname"), help: .hidden)
    var sourceName: TextArgument?

    @Option(name: .customLong("subtype"), help: .hidden)
    var subtype: TextArgument?

    @Flag(name: .customLong("noexec"), help: .hidden)
    var forbidsPrograms = false

    @Argument(
        help: ArgumentHelp(
            "Identifier, unless all snapshots are shown, and mount point.",
            valueName: "operands"
        ),
        completion: .directory
    )
    var operands: [TextArgument]

    func run() throws {
        let context = try CommandContext(common)
        let plan = try plan(context)
        let process = MountProcess(plan)
        let status = try process.run({ () throws(RekkordError) in
            let memory = plan.memory
            memory.apply()
            let repository = try context.openRepository(
                for: "mount",
                requiring: .read,
                decoderCount: memory.decoderCount
            )
            let cache = context.openObjectCache(
                of: repository,
                total: plan.diskCacheByteCount,
                queueByteCount: memory.writtenByteCount
            ) { process.log.warning($0) }
            return CachedBlobs(repository, cache: cache)
        }) { error in
            context.console.report(error)
        }
        throw ExitCode(status)
    }

    /// Checks everything that can be checked before anything is opened.
    private func plan(_ context: CommandContext) throws(RekkordError) -> MountPlan {
        guard let last = operands.last, operands.count <= 2 else {
            throw CommandLineReader.error("surplus operand '\(operands[2].printed)'", Mount.self)
        }
        let path = FilePath(bytes: last.bytes)
        let mountPoint = try MountPoint(path)
        if case .local(let repository)? = context.settings.repository {
            try mountPoint.check(apartFrom: repository.bytes, "repository")
        }
        if let cache = context.cacheDirectory { try mountPoint.check(apartFrom: cache.bytes, "cache") }
        if !allowsContent { try mountPoint.checkEmpty() }
        if allowsOthers { try checkAllowed("allow_other", mountPoint) }
        // To the kernel the same, of which libfuse then refuses most.
        if allowsRoot { try checkAllowed("allow_root", mountPoint) }
        let cacheByteCount = try cacheSize.map { (text) throws(RekkordError) in try size(text, "--cache-size")
        }
        let diskCacheByteCount = try diskCacheSize.map { (text) throws(RekkordError) in
            try size(text, "--disk-cache-size")
        }
        var settings = MountSettings(mounter: Owner(uid: geteuid(), gid: getegid()))
        settings.owner = try shownOwner()
        settings.readAheadByteCount = try size(readAhead, "--read-ahead")
        settings.connectionCount = context.threads
        settings.refreshSeconds = try refreshSeconds()
        if allowsRoot { settings.immutableSeconds = 0 }
        let identifier = operands.count == 2 ? operands[0].bytes : [UInt8(ascii: ":")]
        var plan = MountPlan(
            mountPoint: mountPoint,
            identifier: identifier,
            settings: settings,
            fuseOptions: fuseOptions(identifier),
            memory: MountMemory(
                cacheByteCount: cacheByteCount ?? context.settings.cache.memorySize,
                connectionCount: context.threads,
                processorCount: System.processorCount
            ),
            threadCount: context.threads
        )
        plan.diskCacheByteCount = diskCacheByteCount
        plan.checksEachRequest = allowsRoot
        plan.printsStatistics = printsStatistics
        plan.isForeground = isForeground || isDebugging
        plan.logFile = logFile?.path
        return plan
    }

    private func fuseOptions(_ identifier: [UInt8]) -> [[UInt8]] {
        var words = ["ro", "nosuid", "nodev"].map { Array($0.utf8) }
        words.append(Array("fsname=".utf8) + (sourceName?.bytes ?? identifier))
        words.append(Array("subtype=".utf8) + (subtype?.bytes ?? Array("rekkord".utf8)))
        let flags = [
            (forbidsPrograms, "noexec"),
            (allowsOthers, "allow_other"),
            (allowsRoot, "allow_root"),
            ((enforcesPermissions || allowsOthers) && !ignoresPermissions, "default_permissions"),
            (unmountsAlways, "auto_unmount"),
            (isDebugging, "debug"),
        ]
        return words + flags.filter(\.0).map { Array($0.1.utf8) }
    }

    private func shownOwner() throws(RekkordError) -> Owner? {
        guard let owner else { return isOwnedByRoot ? Owner(uid: 0, gid: 0) : nil }
        if isOwnedByRoot {
            throw CommandLineReader.error("'--owner' and '--owner-root' exclude each other", Mount.self)
        }
        return try Owner(text: owner.bytes)
    }

    private func refreshSeconds() throws(RekkordError) -> Int64? {
        if refresh.lowercased() == "never" { return nil }
        do {
            return try DurationText.parse(refresh)
        } catch {
            throw CommandLineReader.error("\(error.reason) for '--refresh'", Mount.self)
        }
    }

    private func size(_ text: String, _ option: String) throws(RekkordError) -> Int {
        do {
            return try SizeText.parse(text)
        } catch {
            throw CommandLineReader.error("\(error.reason) for '\(option)'", Mount.self)
        }
    }

    /// Only root may let others in, unless the administrator allows it to all.
    private func checkAllowed(_ option: String, _ mountPoint: MountPoint) throws(RekkordError) {
        if geteuid() == 0 { return }
        let path = "/etc/fuse.conf"
        let text = (try? WholeFile.read(FilePath(path), limit: 1 << 16))?.bytes ?? []
        let isAllowed = text.split(separator: UInt8(ascii: "\n")).contains { line in
            String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace) == [
                "user_allow_other"
            ]
        }
        if !isAllowed {
            throw RekkordError(
                .usage,
                "cannot mount on '\(mountPoint.printed)': \(option) is not permitted",
                hint: "write user_allow_other to \(path)"
            )
        }
    }
}
