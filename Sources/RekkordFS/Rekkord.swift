import ArgumentParser
import Core
import Glibc

/// The program: reads the command line, runs one command, and prints every failure itself.
@main
struct Rekkord: ParsableCommand {
    /// The number of this release.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "rekkord",
        abstract: "Make encrypted backups, and read them like a disk.",
        usage: "rekkord [options] <command> [options] [operands]",
        discussion: "Run 'rekkord help COMMAND' for the options of one command.",
        version: "rekkord \(version)",
        subcommands: [
            Init.self,
            Derive.self,
            Identify.self,
            Save.self,
            Scan.self,
            Snapshots.self,
            Channels.self,
            List.self,
            Mount.self,
            Restore.self,
            ChangeCID.self,
            ResetCache.self,
            Setup.self,
        ]
    )

    @OptionGroup var common: CommonOptions

    static func main() {
        System.disableCoreDumps()
        System.shareHeaps()
        StandardStreams.fill()
        Signals.install()
        let console = Console.standard
        var status = ExitStatus.done
        do {
            status = try run(try ArgumentBytes.ofProcess(), console)
            try console.finish()
        } catch {
            try? console.finish()
            let error = error as? RekkordError ?? RekkordError(.system, "\(error)")
            console.report(error)
            status = ExitStatus.of(error.kind)
        }
        Glibc.exit(status)
    }

    /// Runs what the arguments ask for and returns the exit status.
    private static func run(
        _ process: (program: [UInt8], arguments: [String]),
        _ console: Console
    ) throws -> Int32 {
        let reader = CommandLineReader(commands: configuration.subcommands)
        var arguments = process.arguments
        if let text = try toolText(arguments) {
            console.print(text)
            return ExitStatus.done
        }
        let call = try MountHelper.read(
            program: process.program,
            arguments,
            firstOperand: reader.firstOperand(arguments)?.text,
            isCommand: { $0 == "help" || reader.command(named: $0) != nil }
        )
        switch call {
        case .none: break
        case .fake: return ExitStatus.done
        case .mount(let words): arguments = words
        }
        switch try reader.read(arguments) {
        case .usage:
            console.note(helpMessage())
            return ExitStatus.usage
        case .version: console.print(configuration.version)
        case .help(let command): console.print(command.map { helpMessage(for: $0) } ?? helpMessage())
        case .run(let command, let arguments):
            let arguments = try MountOptionList.expand(arguments, CommandSyntax(command))
            var command = try parse(command, arguments)
            do {
                try command.run()
            } catch let code as ExitCode {
                return code.rawValue
            }
        }
        return ExitStatus.done
    }

    /// What generators of completions and of checks on the manual ask for.
    private static func toolText(_ arguments: [String]) throws -> String? {
        switch arguments.first {
        case "--experimental-dump-help": return _dumpHelp()
        case "--generate-completion-script":
            guard arguments.count == 2, let shell = CompletionShell(rawValue: arguments[1]) else {
                let names = CompletionShell.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandLineReader.error("'--generate-completion-script' takes one of \(names)", nil)
            }
            return completionScript(for: shell)
        default: return nil
        }
    }

    private static func parse(
        _ command: any ParsableCommand.Type,
        _ arguments: [String]
    ) throws -> any ParsableCommand {
        do {
            return try parseAsRoot([command._commandName] + arguments)
        } catch {
            // What is left for the parser to refuse is a value of the wrong type.
            let text = message(for: error).prefix { !$0.isNewline }
            let reason = text.prefix(1).lowercased() + text.dropFirst()
            throw CommandLineReader.error(ArgumentBytes.printed(reason), command)
        }
    }
}
