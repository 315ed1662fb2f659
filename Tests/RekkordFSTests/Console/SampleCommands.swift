import ArgumentParser

@testable import RekkordFS

/// Commands with every kind of option, so that the reader is tested apart from the real ones.
enum SampleCommands {
    static let all: [any ParsableCommand.Type] = [Store.self, Show.self, Reset.self]

    struct Store: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "store")
        @OptionGroup var common: CommonOptions
        @Flag(name: .shortAndLong) var force = false
        @Option(name: [.customShort("m"), .customLong("meta-list")]) var meta: String?
        @Argument var channel: TextArgument
        @Argument var paths: [PathArgument]
    }

    struct Show: ParsableCommand {
        enum Format: String, KeywordArgument { case plain = "Plain", json = "JSON" }
        static let configuration = CommandConfiguration(commandName: "show")
        @OptionGroup var common: CommonOptions
        @Option(name: .shortAndLong) var format: Format = .plain
        @Argument var identifier: TextArgument
        @Argument var extra: TextArgument?
    }

    struct Reset: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "reset_all")
        @OptionGroup var common: CommonOptions
        @Option(name: .customShort("z")) var short: Int?
    }
}
