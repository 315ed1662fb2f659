import Core

/// Splits the arguments of one command into options and operands.
///
/// - Source: rekkord(1).
struct CommandLineScan {
    /// One option as given, with its value unless it is a flag.
    struct GivenOption {
        let option: CommandSyntax.Option
        let value: String?
    }

    /// In the order given.
    private(set) var options: [GivenOption] = []
    /// The operands with their positions among the arguments.
    private(set) var operands: [(index: Int, text: String)] = []
    /// Whether help is asked for.
    var asksForHelp: Bool { options.contains { $0.option.isHelp } }

    private let syntax: CommandSyntax

    /// Scans until `operandLimit` operands were found, or to the end.
    ///
    /// - Throws: What is wrong with the first bad option.
    init(_ arguments: [String], _ syntax: CommandSyntax, operandLimit: Int = .max) throws(FormatError) {
        self.syntax = syntax
        var index = 0
        var isEnded = false
        while index < arguments.count, operands.count < operandLimit {
            let argument = arguments[index]
            let marks = argument.utf8.prefix { $0 == UInt8(ascii: "-") }.count
            if isEnded || marks == 0 || argument == "-" {
                operands.append((index, argument))
            } else if argument == "--" {
                isEnded = true
            } else if marks == 1 {
                try scanShort(argument, arguments, &index)
            } else {
                try scanLong(argument, arguments, &index)
            }
            index += 1
        }
    }

    private mutating func scanLong(
        _ argument: String,
        _ arguments: [String],
        _ index: inout Int
    ) throws(FormatError) {
        let scalars = argument.unicodeScalars
        let equals = scalars.firstIndex(of: "=")
        let typed = String(scalars[..<(equals ?? scalars.endIndex)])
        guard let option = syntax.options[Self.dashed(typed)] else {
            throw FormatError("unknown option '\(ArgumentBytes.printed(typed))'")
        }
        guard let equals else {
            let value = option.isFlag ? nil : try separateValue(of: typed, arguments, &index)
            try add(option, value, typed)
            return
        }
        if option.isFlag { throw FormatError("option '\(typed)' takes no value") }
        let value = argument[argument.unicodeScalars.index(after: equals)...]
        if value.isEmpty { throw FormatError("missing value for '\(typed)'") }
        try add(option, String(value), typed)
    }

    private mutating func scanShort(
        _ argument: String,
        _ arguments: [String],
        _ index: inout Int
    ) throws(FormatError) {
        var rest = argument.unicodeScalars.dropFirst()
        while let letter = rest.popFirst() {
            let typed = "-\(letter)"
            guard let option = syntax.options[typed] else {
                throw FormatError("unknown option '\(ArgumentBytes.printed(typed))'")
            }
            if option.isFlag {
                if rest.first == "=" { throw FormatError("option '\(typed)' takes no value") }
                options.append(GivenOption(option: option, value: nil))
                continue
            }
            let value = rest.isEmpty ? try separateValue(of: typed, arguments, &index) : String(rest)
            try add(option, value, typed)
            return
        }
    }

    private mutating func add(
        _ option: CommandSyntax.Option,
        _ value: String?,
        _ typed: String
    ) throws(FormatError) {
        let isChoice = option.choices.contains { $0.lowercased() == value?.lowercased() }
        if let value, !option.choices.isEmpty, !isChoice {
            let choices = option.choices.joined(separator: ", ")
            throw FormatError("'\(ArgumentBytes.printed(value))' for '\(typed)' is none of \(choices)")
        }
        options.append(GivenOption(option: option, value: value))
    }

    /// The next argument, which must not look like an option.
    private func separateValue(
        of name: String,
        _ arguments: [String],
        _ index: inout Int
    ) throws(FormatError) -> String {
        let next = index + 1
        guard next < arguments.count, !arguments[next].isEmpty, !arguments[next].hasPrefix("-") else {
            throw FormatError("missing value for '\(name)'")
        }
        index = next
        return arguments[next]
    }

    /// Every `_` of an option or command counts as `-`.
    static func dashed(_ name: String) -> String {
        String(name.map { $0 == "_" ? "-" : $0 })
    }

    /// The arguments in the one form that the parser gets: options, then `--`, then operands.
    var normalized: [String] {
        var result: [String] = []
        for given in options {
            guard let value = given.value else {
                result.append(given.option.spelling)
                continue
            }
            if given.option.spelling.hasPrefix("--") {
                result.append("\(given.option.spelling)=\(ArgumentBytes.detached(value[...]))")
            } else {
                result += [given.option.spelling, value]
            }
        }
        return result + ["--"] + operands.map(\.text)
    }
}
