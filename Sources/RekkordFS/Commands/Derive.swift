import ArgumentParser
import Core
import SystemPackage

/// Makes a key with fewer rights from the master key.
///
/// - Source: rekkord(1), "COMMANDS".
struct Derive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "derive",
        abstract: "Make a key with fewer rights from the master key."
    )

    /// The types that can be derived.
    enum DerivedType: String, KeywordArgument {
        case writeOnly = "WriteOnly"
        case readWrite = "ReadWrite"
        case logOnly = "LogOnly"

        /// The type of the key.
        var keyType: KeyType {
            switch self {
            case .writeOnly: .writeOnly
            case .readWrite: .readWrite
            case .logOnly: .logOnly
            }
        }
    }

    @OptionGroup var common: CommonOptions

    @Option(name: .shortAndLong, help: "Give the key these rights.")
    var type: DerivedType

    @Option(
        name: [.customShort("O"), .customLong("output-file"), .customLong("output-filename")],
        help: ArgumentHelp("Write the key to this file.", valueName: "file")
    )
    var outputFile: PathArgument

    @Flag(name: .shortAndLong, help: "Replace an existing file.")
    var force = false

    @Flag(help: "Do not check the master key against the repository.")
    var offline = false

    func run() throws {
        let context = try CommandContext(common)
        let master = try context.loadKey(for: "derive", requiring: .configure, isOffline: offline)
        let (text, keys) = try KeyFile.derive(type.keyType, from: master)
        if force { try refuseMasterKey() }
        try SecretFile.write(text, to: outputFile.path, replace: force)
        context.console.print("Key file: \(outputFile.path.printed)")
        Identify.show(keys, context.console)
    }

    /// Keeps the one key that cannot be made again from being replaced by a lesser one.
    private func refuseMasterKey() throws(RekkordError) {
        // Whoever reads a pipe waits for its writer.
        guard let status = try? System.status(of: outputFile.path.bytes, followLinks: true),
            status.type == .regular,
            let keys = try? KeyFile.load(outputFile.path), keys.type == .master
        else { return }
        throw RekkordError(
            .exists,
            "cannot write '\(outputFile.path.printed)': it is a Master key",
            hint: "choose another file, or remove it yourself"
        )
    }
}
