import ArgumentParser
import Core

/// Asks for what a configuration needs, and writes it.
///
/// - Source: rekkord(1), "COMMANDS".
struct Setup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Ask for storage and key, and write configuration file and key file.",
        discussion: "Nothing is sent to the storage. --repository and --key-file are offered as answers."
    )

    @OptionGroup var common: CommonOptions

    @Flag(name: .shortAndLong, help: "Replace an existing configuration file.")
    var force = false

    func run() throws {
        let console = Console.standard
        if common.noConfig { throw RekkordError(.usage, "'--no-config' leaves nothing to set up") }
        guard console.canPrompt else {
            throw RekkordError(
                .usage,
                "cannot set up: standard input and standard error must be a terminal",
                hint: "write the file with an editor, as rekkord.ini(5) describes it"
            )
        }
        let dialogue = SetupDialogue(console, .current(), common, replaces: force)
        let plan = try dialogue.run()
        // From here on a signal leaves both files or none.
        Signals.cooperate()
        try plan.write(replace: force) { Signals.received != nil }
        console.print("Configuration file: \(plan.configPath.printed)")
        console.print("Key file: \(plan.keyPath.printed)")
        Identify.show(plan.keys, console)
        let command = dialogue.isFoundByItself(plan.configPath) ? "" : " -C '\(plan.configPath.printed)'"
        switch plan.origin {
        case .new:
            console.hint(
                "keep a copy of '\(plan.keyPath.printed)' elsewhere: nothing can be restored without it"
            )
            console.hint("run 'rekkord\(command) init' to make the repository")
        case .derived, .imported:
            console.hint("run 'rekkord\(command) identify' to see whether the key fits the repository")
        }
    }
}
