import ArgumentParser
import FoundationEssentials

/// Knows which options and operands a command takes, from the command's own declarations.
///
/// The parser describes each command as JSON for tools; reading it keeps our checks from drifting apart
/// from the declarations.
struct CommandSyntax {
    /// One option with all its spellings.
    struct Option {
        /// The spelling that the parser gets: `--name`, or `-n` when there is no long one.
        let spelling: String
        /// Whether it takes no value.
        let isFlag: Bool
        /// The words that the value may be; empty where it is free.
        let choices: [String]
        /// Whether the parser answers it instead of running the command.
        var isHelp: Bool { spelling == "--help" }
    }

    /// The name in messages and help: `change_cid`.
    let name: String
    /// By spelling: `--name` and `-n`.
    private(set) var options: [String: Option] = [:]
    /// The names of operands that must be there.
    private(set) var requiredOperands: [String] = []
    /// How many operands are possible; nil for any number.
    private(set) var operandLimit: Int? = 0

    init(_ command: any ParsableCommand.Type) {
        guard
            let description = try? JSONDecoder().decode(
                Description.self,
                from: Data(command._dumpHelp().utf8)
            )
        else { fatalError("cannot read the description of a command") }
        name = description.command.commandName
        for argument in description.command.arguments ?? [] {
            guard argument.kind == "positional" else {
                add(argument)
                continue
            }
            if !argument.isOptional { requiredOperands.append(argument.valueName ?? "operand") }
            operandLimit = argument.isRepeating ? nil : operandLimit.map { $0 + 1 }
        }
    }

    private mutating func add(_ argument: Description.Argument) {
        let names = argument.names ?? []
        let spellings = names.map { ($0.kind == "long" ? "--" : "-") + $0.name }
        guard let spelling = spellings.first(where: { $0.hasPrefix("--") }) ?? spellings.first else { return }
        for name in spellings {
            options[name] = Option(
                spelling: spelling,
                isFlag: argument.kind == "flag",
                choices: argument.allValues ?? []
            )
        }
    }

    /// The part of the parser's description that counts here.
    private struct Description: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        struct Argument: Decodable {
            let kind: String
            let isOptional: Bool
            let isRepeating: Bool
            let names: [Name]?
            let valueName: String?
            let allValues: [String]?
        }

        struct Command: Decodable {
            let commandName: String
            let arguments: [Argument]?
        }

        let command: Command
    }
}
