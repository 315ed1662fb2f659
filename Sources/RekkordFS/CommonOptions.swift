import ArgumentParser
import Core

/// The options that every command takes.
///
/// - Source: rekkord(1), "Common options".
struct CommonOptions: ParsableArguments {
    @Option(
        name: [.customShort("C"), .customLong("config-file")],
        help: ArgumentHelp("Read this configuration file.", valueName: "file")
    )
    var configFile: PathArgument?

    @Flag(name: .customLong("no-config"), help: "Read no configuration file.")
    var noConfig = false

    @Option(
        name: [.customShort("R"), .customLong("repository")],
        help: ArgumentHelp("Use this repository.", valueName: "url")
    )
    var repository: TextArgument?

    @Option(
        name: [.customShort("K"), .customLong("key-file")],
        help: ArgumentHelp("Use this key file.", valueName: "file")
    )
    var keyFile: PathArgument?

    @Option(
        name: [.customShort("j"), .customLong("threads")],
        help: ArgumentHelp("Use this many workers.", valueName: "n")
    )
    var threads: Int?

    @Option(
        name: .customLong("cache-dir"),
        help: ArgumentHelp("Keep the local cache in this folder.", valueName: "dir")
    )
    var cacheDirectory: PathArgument?

    @Flag(name: .shortAndLong, help: "Show more detail; repeat for more.")
    var verbose: Int

    /// What these options say about settings.
    func overrides() throws(RekkordError) -> Settings.Overrides {
        if let threads, threads < 1 { throw RekkordError(.usage, "'--threads' must be 1 or more") }
        var overrides = Settings.Overrides()
        overrides.repository = repository?.bytes
        overrides.keyFile = keyFile?.path
        overrides.threads = threads
        overrides.cacheDirectory = cacheDirectory?.path
        return overrides
    }

    /// Which configuration file these options ask for.
    func configRequest() throws(RekkordError) -> ConfigSearch.Request {
        guard let configFile else { return noConfig ? .none : .search }
        if noConfig { throw RekkordError(.usage, "'--config-file' and '--no-config' exclude each other") }
        return .file(configFile.path)
    }
}
