import ArgumentParser
import Core

/// Shows which key a key file holds.
///
/// - Source: rekkord(1), "COMMANDS".
struct Identify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify",
        abstract: "Show the ID and type of the key."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Do not check the key against the repository.")
    var offline = false

    func run() throws {
        let context = try CommandContext(common)
        let keys = try context.loadKey(for: "identify", isOffline: offline)
        Self.show(keys, context.console)
    }

    /// Prints ID and type.
    static func show(_ keys: KeySet, _ console: Console) {
        console.print("Key ID: \(keys.id)")
        console.print("Key type: \(keys.type.name)")
    }
}
