import ArgumentParser
import Core
import Glibc
import SystemPackage

/// Makes a repository.
///
/// - Source: rekkord(1), "COMMANDS".
struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a repository.",
        discussion: "The key file names an existing master key, or with --generate-key the file to make."
    )

    /// Offered where no key file is named.
    private static let usualKeyFile = "master.key"

    @OptionGroup var common: CommonOptions

    @Flag(name: [.customShort("g"), .customLong("generate-key")], help: "Make a new master key.")
    var generateKey = false

    func run() throws {
        let context = try CommandContext(common)
        let location = try context.location()
        let storage = try context.storage(at: location)
        guard generateKey else {
            let keys = try context.loadKey(for: "init", requiring: .configure)
            _ = try Repository.create(storage, keys: keys)
            context.console.print("Repository: \(location.displayURL)")
            return
        }
        let path = try newKeyFile(context)
        let (text, keys) = KeyFile.generateMaster()
        context.announce(keys)
        try write(text, to: path)
        do {
            // The key first: a repository must never be there without it.
            _ = try Repository.create(storage, keys: keys)
        } catch {
            // A server may have made the repository though its answer was lost; then the key must stay.
            let mayBeMade = storage.kind.isRemote && (error.kind == .storage || error.kind == .interrupted)
            if !mayBeMade { _ = path.withPlatformString { unlink($0) } }
            throw error
        }
        context.console.print("Repository: \(location.displayURL)")
        context.console.print("Key file: \(path.printed)")
        if context.console.isTerminal {
            context.console.hint(
                "keep a copy of '\(path.printed)' elsewhere: nothing can be restored without it"
            )
        }
    }

    /// The file to make; asks for it where nothing names one.
    private func newKeyFile(_ context: CommandContext) throws(RekkordError) -> FilePath {
        if let path = context.settings.keyFile { return path }
        let answer = context.console.prompt("Key file to make", offering: Self.usualKeyFile)
        guard let answer else { throw context.missingKeyFile() }
        return FilePath(bytes: answer)
    }

    private func write(_ text: [UInt8], to path: FilePath) throws(RekkordError) {
        do {
            try SecretFile.write(text, to: path, replace: false)
        } catch {
            guard error.kind == .exists else { throw error }
            throw RekkordError(.exists, error.message, hint: "leave out --generate-key to use this key")
        }
    }
}
