import ArgumentParser
import Core

/// Makes every machine drop its cache.
///
/// - Source: rekkord(1), "COMMANDS".
struct ChangeCID: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change_cid",
        abstract: "Change the cache ID, so that every machine drops its cache."
    )

    @OptionGroup var common: CommonOptions

    func run() throws {
        let context = try CommandContext(common)
        let repository = try context.openRepository(for: "change_cid", requiring: .configure)
        try repository.changeCacheID()
    }
}
