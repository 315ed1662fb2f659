import ArgumentParser
import Core

/// Finds out what a command line asks for, before the parser sees it, so that usage errors are ours.
///
/// - Source: rekkord(1).
struct CommandLineReader {
    /// What to do.
    enum Request {
        /// Run a command; the arguments are complete and in order.
        case run(any ParsableCommand.Type, arguments: [String])
        /// Show the help of a command, or of the program.
        case help((any ParsableCommand.Type)?)
        /// Show the version.
        case version
        /// Show the usage as an error, since there is no argument at all.
        case usage
    }

    /// All commands but `help`.
    let commands: [any ParsableCommand.Type]

    /// Reads the arguments that follow the program's name.
    ///
    /// - Throws: `.usage` with a hint where to look.
    func read(_ arguments: [String]) throws(RekkordError) -> Request {
        if arguments.isEmpty { return .usage }
        if let (command, index) = findCommand(arguments) {
            var rest = arguments
            rest.remove(at: index)
            return try read(command, rest)
        }
        let options = arguments.prefix { $0 != "--" }
        if options.contains("--help") || options.contains("-h") { return .help(nil) }
        if options.contains("--version") { return .version }
        let operand = firstOperand(arguments)
        if operand?.text != "help", let reason = firstUnknownOption(arguments) {
            throw Self.error(reason, nil)
        }
        if let operand {
            if operand.text == "help" { return try readHelp(arguments, operand.index) }
            let name = ArgumentBytes.printed(operand.text)
            throw Self.error("unknown command '\(name)'", nil)
        }
        throw Self.error("missing command", nil)
    }

    /// The command that `name` spells.
    func command(named name: String) -> (any ParsableCommand.Type)? {
        let wanted = CommandLineScan.dashed(name)
        return commands.first { CommandLineScan.dashed($0._commandName) == wanted }
    }

    /// Finds the first operand that is a command and is an operand in that command's own eyes.
    ///
    /// Whether an argument is an operand depends on the command: `-f` before it may take a value or not.
    private func findCommand(_ arguments: [String]) -> (any ParsableCommand.Type, index: Int)? {
        var fallback: (any ParsableCommand.Type, index: Int)?
        for (index, argument) in arguments.enumerated() {
            guard !argument.hasPrefix("-"), let command = command(named: argument) else { continue }
            guard let scan = try? CommandLineScan(arguments, CommandSyntax(command), operandLimit: 1) else {
                // A bad option stands before it, which is the error to report unless another command fits.
                fallback = fallback ?? (command, index)
                continue
            }
            if scan.operands.first?.index == index { return (command, index) }
        }
        return fallback
    }

    private func read(_ command: any ParsableCommand.Type, _ arguments: [String]) throws(RekkordError)
        -> Request
    {
        let syntax = CommandSyntax(command)
        let options = arguments.prefix { $0 != "--" }
        if options.contains("--help") || options.contains("-h") { return .help(command) }
        if options.contains("--version") { return .version }
        do throws(FormatError) {
            let scan = try CommandLineScan(arguments, syntax)
            if scan.asksForHelp { return .help(command) }
            if scan.operands.count < syntax.requiredOperands.count {
                throw FormatError("missing operand <\(syntax.requiredOperands[scan.operands.count])>")
            }
            if let limit = syntax.operandLimit, scan.operands.count > limit {
                throw FormatError("surplus operand '\(ArgumentBytes.printed(scan.operands[limit].text))'")
            }
            return .run(command, arguments: scan.normalized)
        } catch {
            throw Self.error(error.reason, command)
        }
    }

    private func readHelp(_ arguments: [String], _ index: Int) throws(RekkordError) -> Request {
        let names = arguments[(index + 1)...].filter { !$0.hasPrefix("-") }
        guard let name = names.first, CommandLineScan.dashed(name) != "help" else { return .help(nil) }
        guard let command = command(named: name) else {
            throw Self.error("unknown command '\(ArgumentBytes.printed(name))'", nil)
        }
        if names.count > 1 { throw Self.error("surplus operand '\(ArgumentBytes.printed(names[1]))'", nil) }
        return .help(command)
    }

    /// The first operand as the common options and the `-o` of mount(8) see it.
    func firstOperand(_ arguments: [String]) -> (index: Int, text: String)? {
        if let scan = try? CommandLineScan(arguments, CommandSyntax(HelperOnly.self), operandLimit: 1) {
            return scan.operands.first
        }
        return arguments.enumerated().first { !$0.element.hasPrefix("-") }.map { ($0.offset, $0.element) }
    }

    /// What is wrong with an option before the first operand, as the common options see it.
    private func firstUnknownOption(_ arguments: [String]) -> String? {
        do {
            _ = try CommandLineScan(arguments, CommandSyntax(CommonOnly.self), operandLimit: 1)
            return nil
        } catch {
            return error.reason
        }
    }

    /// A usage error with the hint that belongs to it.
    static func error(_ reason: String, _ command: (any ParsableCommand.Type)?) -> RekkordError {
        let name = command.map { "\($0._commandName) " } ?? ""
        return RekkordError(.usage, reason, hint: "see 'rekkord \(name)--help'")
    }

    /// Stands in for a command while none is known.
    private struct CommonOnly: ParsableCommand {
        @OptionGroup var common: CommonOptions
    }

    /// Stands in for `mount` when its name is left out.
    private struct HelperOnly: ParsableCommand {
        @OptionGroup var common: CommonOptions
        @Option(name: .customShort("o")) var list: [String] = []
    }
}
