import Core

/// Recognises calls by mount(8) and mount.fuse(8), and words them as `rekkord mount`.
///
/// - Source: rekkord(1), "mount"; mount(8), "External helpers"; mount.fuse3(8).
enum MountHelper {
    /// What a call means.
    enum Call: Equatable {
        /// No call by a helper; the arguments stand for themselves.
        case none
        /// `mount -f`: everything but the mount itself.
        case fake
        /// The arguments of `rekkord`, from the word `mount` on.
        case mount([String])
    }

    /// The names under which mount(8) looks for a helper.
    static let programNames: Set<String> = ["mount.rekkord", "mount.fuse.rekkord"]

    /// Judges a call by the program's name and its arguments.
    ///
    /// - Parameters:
    ///   - firstOperand: The first argument that is neither an option nor the value of one.
    ///   - isCommand: Whether a word is a command of ours.
    static func read(
        program: [UInt8],
        _ arguments: [String],
        firstOperand: String?,
        isCommand: (String) -> Bool
    ) throws(RekkordError) -> Call {
        let name = String(decoding: program.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        if programNames.contains(name) { return try readHelperArguments(arguments) }
        guard let firstOperand else { return .none }
        let isOurs = isCommand(firstOperand) ? isFuseCall(arguments) : hasOptionList(arguments)
        return isOurs ? .mount(["mount"] + arguments) : .none
    }

    /// mount.fuse3(8) calls `rekkord SOURCE DIRECTORY -o LIST`, in just this form.
    ///
    /// A source that is also a command, such as a channel named `list`, is recognised by the complete form: no
    /// command takes `-o` but mount, whose own `rekkord mount DIRECTORY -o LIST` keeps its meaning.
    private static func isFuseCall(_ arguments: [String]) -> Bool {
        arguments.count == 4 && arguments[0] != "mount" && arguments[1].hasPrefix("/") && arguments[2] == "-o"
    }

    private static func hasOptionList(_ arguments: [String]) -> Bool {
        arguments.prefix { $0 != "--" }.contains { $0.hasPrefix("-o") }
    }

    /// Reads `SOURCE DIRECTORY [-fnsvrw] [-o LIST] [-t TYPE]`.
    private static func readHelperArguments(_ arguments: [String]) throws(RekkordError) -> Call {
        var operands: [String] = []
        var lists: [String] = []
        var isFake = false
        var isVerbose = false
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--help" || argument == "--version" { return .mount([argument]) }
            guard argument.hasPrefix("-"), argument != "-" else {
                operands.append(argument)
                continue
            }
            if argument.hasPrefix("--") {
                throw CommandLineReader.error("unknown option '\(ArgumentBytes.printed(argument))'", nil)
            }
            var letters = argument.unicodeScalars.dropFirst()
            while let letter = letters.popFirst() {
                switch letter {
                case "f": isFake = true
                case "v": isVerbose = true
                // No mtab is written, nothing is sloppy, and the mount is read-only whatever is asked.
                case "n", "s", "r", "w": break
                case "o", "t":
                    guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                        throw CommandLineReader.error("missing value for '-\(letter)'", nil)
                    }
                    if letter == "o" { lists.append(value) }
                    letters = letters[letters.endIndex...]
                default:
                    throw CommandLineReader.error(
                        "unknown option '-\(ArgumentBytes.printed("\(letter)"))'",
                        nil
                    )
                }
            }
        }
        guard operands.count >= 2 else { throw CommandLineReader.error("missing operand <mountpoint>", nil) }
        if operands.count > 2 {
            throw CommandLineReader.error("surplus operand '\(ArgumentBytes.printed(operands[2]))'", nil)
        }
        if isFake { return .fake }
        let options = lists.isEmpty ? [] : ["-o", lists.joined(separator: ",")]
        return .mount(["mount"] + (isVerbose ? ["--verbose"] : []) + options + ["--"] + operands)
    }
}
