import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import RekkordFS

/// Compares rekkord(1) with the declarations of the commands, so that the page cannot drift.
@Suite struct ManPageTests {
    /// Every command but help, which explains itself.
    static var commands: [CommandDescription] {
        get throws { try CommandDescription.root().commands.filter { $0.name != "help" } }
    }

    @Test("the manual page has a section and a synopsis for each command, and no other")
    func commands() throws {
        let page = try ManPage(named: "rekkord.1")
        let names = Set(try Self.commands.map(\.name))
        #expect(names == Set(page.subsections(of: "COMMANDS").map(\.title)))
        let synopsis = page.lines(of: "SYNOPSIS").filter { $0.hasPrefix(".Cm ") }.map {
            String($0.dropFirst(4))
        }
        #expect(names == Set(synopsis))
    }

    @Test("the manual page has the options of each command, and no other")
    func options() throws {
        let page = try ManPage(named: "rekkord.1")
        let sections = page.subsections(of: "COMMANDS")
        let common = Set(try CommandDescription.root().options.flatMap(\.names)).union([
            "--help", "--version",
        ])
        for command in try Self.commands {
            let section = try #require(sections.first { $0.title == command.name })
            let documented = Set(section.options)
            let possible = Set(command.options.flatMap(\.names)).subtracting(common)
            let displayed = Set(command.options.filter(\.isDisplayed).flatMap(\.names)).subtracting(common)
            #expect(documented.subtracting(possible) == [], "documented for \(command.name), but absent")
            #expect(displayed.subtracting(documented) == [], "options of \(command.name), but not documented")
        }
    }

    @Test("the manual page has the common options, and every command takes them")
    func commonOptions() throws {
        let page = try ManPage(named: "rekkord.1")
        let section = try #require(page.subsections(of: "DESCRIPTION").first { $0.title == "Common options" })
        let root = try CommandDescription.root()
        let common = Set(root.options.flatMap(\.names)).subtracting(["-h", "--help", "--version"])
        #expect(Set(section.options).subtracting(["-h", "--help", "--version"]) == common)
        for command in try Self.commands {
            #expect(common.subtracting(command.options.flatMap(\.names)) == [], "missing in \(command.name)")
        }
    }

    @Test("every command, option and operand has a help text that ends with a period")
    func helpTexts() throws {
        for command in try Self.commands {
            let abstract = try #require(command.abstract, "\(command.name) has no abstract")
            #expect(abstract.hasSuffix("."), "\(command.name): \(abstract)")
            for argument in command.arguments where argument.isDisplayed {
                let name = argument.names.first ?? argument.valueName ?? "?"
                let text = try #require(argument.help, "\(command.name) \(name) has no help text")
                #expect(text.hasSuffix("."), "\(command.name) \(name): \(text)")
            }
        }
    }
}

/// What the parser itself says of one command; the part of `--experimental-dump-help` that the tests need.
struct CommandDescription: Decodable {
    let name: String
    let abstract: String?
    let commands: [CommandDescription]
    let arguments: [ArgumentDescription]

    var options: [ArgumentDescription] { arguments.filter { !$0.names.isEmpty } }

    static func root() throws -> CommandDescription {
        struct Dump: Decodable {
            let command: CommandDescription
        }
        return try JSONDecoder().decode(Dump.self, from: Data(Rekkord._dumpHelp().utf8)).command
    }

    private enum CodingKeys: String, CodingKey {
        case name = "commandName"
        case abstract
        case commands = "subcommands"
        case arguments
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        abstract = try container.decodeIfPresent(String.self, forKey: .abstract)
        commands = try container.decodeIfPresent([CommandDescription].self, forKey: .commands) ?? []
        arguments = try container.decodeIfPresent([ArgumentDescription].self, forKey: .arguments) ?? []
    }
}

/// One option, flag or operand.
struct ArgumentDescription: Decodable {
    /// With their dashes; empty for an operand.
    let names: [String]
    let isDisplayed: Bool
    let valueName: String?
    let help: String?

    private struct Name: Decodable {
        let kind: String
        let name: String
    }

    private enum CodingKeys: String, CodingKey {
        case names
        case isDisplayed = "shouldDisplay"
        case valueName
        case help = "abstract"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        names = try (container.decodeIfPresent([Name].self, forKey: .names) ?? [])
            .map { ($0.kind == "long" ? "--" : "-") + $0.name }
        isDisplayed = try container.decodeIfPresent(Bool.self, forKey: .isDisplayed) ?? true
        valueName = try container.decodeIfPresent(String.self, forKey: .valueName)
        help = try container.decodeIfPresent(String.self, forKey: .help)
    }
}
