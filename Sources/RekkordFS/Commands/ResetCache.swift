import ArgumentParser
import Core

/// Empties what this machine remembers about a repository.
///
/// - Source: rekkord(1), "COMMANDS".
struct ResetCache: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset_cache",
        abstract: "Empty the local cache of the repository."
    )

    @OptionGroup var common: CommonOptions

    @Flag(name: .customLong("all"), help: "Forget what scans have verified as well.")
    var all = false

    @Flag(name: .customLong("list"), help: "List the blobs of the repository and remember them as stored.")
    var list = false

    func run() throws {
        let context = try CommandContext(common)
        let repository = try context.openRepository(for: "reset_cache")
        let cache = try context.openCache(of: repository)
        try cache.reset(all: all)
        let folder = try context.cacheFolder(of: repository)
        try ObjectCache.removeAll(in: folder)
        try Repository.forgetTags(in: folder)
        if all { try context.openScanMemory(of: repository)?.reset() }
        if list { try repository.listBlobs(into: cache) }
    }
}
