import ArgumentParser
import Core

/// Reads the `-o` list of mount(8) and fstab(5).
///
/// - Source: rekkord(1), "mount".
enum MountOptionList {
    /// Replaces each `-o LIST` among arguments in normal form by the long options that it stands for.
    ///
    /// - Parameter syntax: Of the command, which knows the options.
    /// - Throws: `.usage` for a word that is neither an option nor ignored.
    static func expand(_ arguments: [String], _ syntax: CommandSyntax) throws(RekkordError) -> [String] {
        var result: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" { return result + [argument] + rest }
            guard argument == "-o", let list = rest.popFirst() else {
                result.append(argument)
                continue
            }
            for word in MountWord.list(list) { result.append(try option(word, syntax)) }
        }
        return result
    }

    private static func option(_ word: MountWord, _ syntax: CommandSyntax) throws(RekkordError) -> String {
        let name = ArgumentBytes.printed(word.name)
        let spelling = "--" + CommandLineScan.dashed(word.name)
        guard let option = syntax.options[spelling], !option.isHelp, option.spelling != "--version" else {
            throw error("unknown mount option '\(name)'")
        }
        if option.isFlag {
            guard word.value == nil else { throw error("mount option '\(name)' takes no value") }
            return spelling
        }
        guard let value = word.value, !value.isEmpty else {
            throw error("missing value for mount option '\(name)'")
        }
        return "\(spelling)=\(ArgumentBytes.detached(value[...]))"
    }

    private static func error(_ reason: String) -> RekkordError {
        CommandLineReader.error(reason, Mount.self)
    }
}
