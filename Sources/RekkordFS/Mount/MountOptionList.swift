import ArgumentParser
import Core

/// Reads the `-o` list of mount(8) and fstab(5).
///
/// - Source: rekkord(1), "mount".
enum MountOptionList {
    /// Words for mount(8) alone.
    private static let ignored: Set<String> = [
        "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "defaults", "auto", "noauto", "user", "nouser",
        "users",
        "owner", "group", "nofail", "_netdev", "atime", "noatime", "diratime", "nodiratime", "relatime",
        "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "sync", "async", "dirsync",
    ]

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
            for word in split(list) {
                if let option = try option(word, syntax) { result.append(option) }
            }
        }
        return result
    }

    /// Splits at commas; `\` takes the next character literally.
    static func split(_ list: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var scalars = list.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case ",":
                words.append(String(word))
                word = .init()
            case "\\":
                if let next = scalars.popFirst() { word.append(next) }
            default:
                word.append(scalar)
            }
        }
        words.append(String(word))
        return words.filter { !$0.isEmpty }
    }

    private static func option(_ word: String, _ syntax: CommandSyntax) throws(RekkordError) -> String? {
        if ignored.contains(word) || word.hasPrefix("x-") || word.hasPrefix("comment=") { return nil }
        let scalars = word.unicodeScalars
        let equals = scalars.firstIndex(of: "=")
        let name = String(scalars[..<(equals ?? scalars.endIndex)])
        let spelling = "--" + CommandLineScan.dashed(name)
        guard let option = syntax.options[spelling], !option.isHelp, option.spelling != "--version" else {
            throw error("unknown mount option '\(ArgumentBytes.printed(name))'")
        }
        guard let equals else {
            if option.isFlag { return spelling }
            throw error("missing value for mount option '\(name)'")
        }
        if option.isFlag { throw error("mount option '\(name)' takes no value") }
        let value = word[word.unicodeScalars.index(after: equals)...]
        if value.isEmpty { throw error("missing value for mount option '\(name)'") }
        return "\(spelling)=\(ArgumentBytes.detached(value))"
    }

    private static func error(_ reason: String) -> RekkordError {
        CommandLineReader.error(reason, Mount.self)
    }
}
