import Core
import Glibc
import SystemPackage

/// Resolves configuration, key and repository for one command.
///
/// Rights are checked before the first request; nothing is opened before it is asked for.
/// - Source: rekkord(1), "Common options" and "EXIT STATUS".
final class CommandContext {
    /// A right that a command needs.
    enum Right {
        case read, write, log, configure

        /// Whether a key has it.
        func isGranted(to type: KeyType) -> Bool {
            switch self {
            case .read: type.canRead
            case .write: type.canWrite
            case .log: type.canLog
            case .configure: type.canConfigure
            }
        }
    }

    /// Command line, configuration file and environment as one.
    let settings: Settings
    /// Where results and messages go.
    let console: Console
    /// How often `-v` was given.
    let verbosity: Int
    /// Kept back until the line that `-v` prints first.
    private var warnings: [String]
    /// Whether the process may do everything, and has to be strict about what others can change.
    let isRoot: Bool

    /// Reads the configuration.
    init(
        _ options: CommonOptions,
        console: Console = .standard,
        environment: ProcessEnvironment = .current()
    ) throws(RekkordError) {
        self.console = console
        verbosity = options.verbose
        isRoot = environment.isRoot
        let found = try ConfigSearch.load(try options.configRequest(), environment)
        warnings = found?.warnings ?? []
        do {
            settings = try Settings(
                file: found?.file,
                environment: environment,
                overrides: try options.overrides()
            )
        } catch {
            for warning in warnings { console.warn(warning) }
            throw error
        }
    }

    /// The number of workers.
    var threads: Int { settings.threadCount(cores: System.processorCount) }

    /// The folder with one cache per repository; nil when no setting and no home tells.
    var cacheDirectory: FilePath? { settings.cache.directory }

    /// How files are cut.
    var chunking: Chunking {
        switch settings.splitting {
        case .stable: .stable
        case .rekkord: .rekkord
        }
    }

    /// Reads the key file and checks that the key may do what the command does.
    ///
    /// - Parameter command: The verb of `cannot mount with WriteOnly key`.
    func loadKey(for command: String, requiring right: Right? = nil) throws(RekkordError) -> KeySet {
        guard let path = settings.keyFile else { throw missingKeyFile() }
        do {
            warnings += try FileTrust.checkKeyFile(path, isRoot: isRoot)
            let keys = try KeyFile.load(path)
            try check(keys, for: command, requiring: right)
            announce(keys)
            return keys
        } catch {
            flushWarnings()
            throw error
        }
    }

    /// Reads the key file and, unless offline, proves by the repository that the key belongs to it.
    func loadKey(
        for command: String,
        requiring right: Right? = nil,
        isOffline: Bool
    ) throws(RekkordError) -> KeySet {
        if isOffline { return try loadKey(for: command, requiring: right) }
        return try openRepository(for: command, requiring: right).keys
    }

    /// The error for a command line, configuration and environment that name no key file.
    func missingKeyFile() -> RekkordError {
        flushWarnings()
        return RekkordError(
            .usage,
            "no key file is named",
            hint: "use --key-file, KeyFile in [Repository] or REKKORD_KEY_FILE"
        )
    }

    /// Checks that a key has a right.
    func check(_ keys: KeySet, for command: String, requiring right: Right?) throws(RekkordError) {
        guard let right, !right.isGranted(to: keys.type) else { return }
        let names = KeyType.allCases.filter { right.isGranted(to: $0) }.map(\.name)
        throw RekkordError(
            .key,
            "cannot \(command) with \(keys.type.name) key",
            hint: "use a \(Self.list(names)) key"
        )
    }

    /// Opens the repository with a key that has the right.
    ///
    /// - Parameter decoderCount: How many blobs are decoded at once.
    func openRepository(
        for command: String,
        requiring right: Right? = nil,
        decoderCount: Int = System.processorCount
    ) throws(RekkordError) -> Repository {
        let location = try location()
        let keys = try loadKey(for: command, requiring: right)
        let repository = try Repository.open(
            try storage(at: location),
            keys: keys,
            decoderCount: decoderCount
        )
        if keys.type.canLog, cacheDirectory != nil {
            repository.rememberTags(in: try cacheFolder(of: repository))
        }
        return repository
    }

    /// Where the repository is.
    func location() throws(RekkordError) -> RepositoryLocation {
        guard let location = settings.repository else {
            flushWarnings()
            throw RekkordError(
                .usage,
                "no repository is named",
                hint: "use --repository, URL in [Repository] or REKKORD_REPOSITORY"
            )
        }
        return location
    }

    /// The storage at a place; nothing is asked of it yet.
    func storage(at location: RepositoryLocation) throws(RekkordError) -> any Storage {
        switch location {
        case .local(let path):
            return LocalStorage(path)
        case .s3(let location):
            let console = console
            return try S3Storage(
                location,
                settings: s3Settings(for: location),
                connectionCount: threads,
                isCancelled: { Signals.received != nil },
                warn: { console.warn($0) }
            )
        case .sftp(let location):
            throw RekkordError(
                .unsupported,
                "cannot open repository '\(location.displayURL)': SFTP storage is not supported yet"
            )
        }
    }

    /// The settings of S3, with the secret key asked for where only the other half is known.
    private func s3Settings(for location: S3Location) -> S3Settings {
        var settings = settings.s3
        guard settings.secretKey == nil, let id = settings.accessKeyID else { return settings }
        let question = "Secret key of \(PrintedName.escape(id.utf8)) at \(location.host)"
        let secret = console.promptSecret(question)
        settings.secretKey = secret?.bytes.isEmpty == false ? secret : nil
        return settings
    }

    /// Prints the line that `-v` wants first, then what was kept back.
    func announce(_ keys: KeySet) {
        if verbosity > 0, let location = settings.repository {
            console.note("Repository: \(location.displayURL) (\(keys.type.name))")
        }
        flushWarnings()
    }

    private func flushWarnings() {
        for warning in warnings { console.warn(warning) }
        warnings = []
    }

    /// `A`, `A or B`, `A, B or C`.
    private static func list(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}
