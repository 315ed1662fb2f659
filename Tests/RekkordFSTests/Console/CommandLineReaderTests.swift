import ArgumentParser
import Core
import Testing

@testable import RekkordFS

@Suite struct CommandLineReaderTests {
    private let reader = CommandLineReader(commands: SampleCommands.all)

    /// The command and its normal form as words.
    private func read(_ line: String) throws -> String {
        try read(line.split(separator: " ").map(String.init))
    }

    private func read(_ arguments: [String]) throws -> String {
        switch try reader.read(arguments) {
        case .run(let command, let arguments):
            return ([command._commandName] + arguments).joined(separator: " ")
        case .help(let command): return "help \(command?._commandName ?? "")"
        case .version: return "version"
        case .usage: return "usage"
        }
    }

    @Test(
        "options of any spelling and order come out in one form",
        arguments: [
            ("store web /a", "store -- web /a"),
            ("store web /a /b --force", "store --force -- web /a /b"),
            ("--force store web /a", "store --force -- web /a"),
            ("-f store web -v /a", "store --force --verbose -- web /a"),
            ("store -fv web /a", "store --force --verbose -- web /a"),
            ("store -fmx web /a", "store --force --meta-list=x -- web /a"),
            ("store -m x web /a", "store --meta-list=x -- web /a"),
            ("store --meta-list x web /a", "store --meta-list=x -- web /a"),
            ("store --meta_list=x=y web /a", "store --meta-list=x=y -- web /a"),
            ("store --meta-list=-x web /a", "store --meta-list=-x -- web /a"),
            ("store -m-x web /a", "store --meta-list=-x -- web /a"),
            ("-C c.ini store web /a", "store --config-file=c.ini -- web /a"),
            (
                "--config_file=c.ini -v store web /a -vv",
                "store --config-file=c.ini --verbose --verbose --verbose -- web /a"
            ),
            ("store -- web --force", "store -- web --force"),
            ("store web -- -a -- --", "store -- web -a -- --"),
            ("store web - -f", "store --force -- web -"),
            ("reset-all", "reset_all --"), ("reset_all", "reset_all --"),
            ("reset_all -z 5", "reset_all -z 5 --"),
        ]
    )
    func normalForm(line: String, expected: String) throws {
        #expect(try read(line) == expected)
    }

    @Test(
        "the command is the first operand in its own eyes",
        arguments: [
            ("-f JSON show web", "show --format=JSON -- web"),
            ("-f json show web", "show --format=json -- web"),
            ("-f store show /a", "store --force -- show /a"),
            ("-C store show web", "show --config-file=store -- web"),
            ("store show /a", "store -- show /a"),
            ("show store", "show -- store"),
            ("-Cstore -f JSON show store", "show --config-file=store --format=JSON -- store"),
        ]
    )
    func findsCommand(line: String, expected: String) throws {
        #expect(try read(line) == expected)
    }

    @Test(
        "wrong usage is refused in our words",
        arguments: [
            ("--foo", "unknown option '--foo'", ""),
            ("-x", "unknown option '-x'", ""),
            ("-v", "missing command", ""), ("-C c.ini", "missing command", ""),
            ("-C c.ini --foo", "unknown option '--foo'", ""), ("--foo bogus", "unknown option '--foo'", ""),
            ("bogus --foo", "unknown command 'bogus'", ""),
            ("-C", "missing value for '-C'", ""),
            ("bogus", "unknown command 'bogus'", ""),
            ("-v bogus x", "unknown command 'bogus'", ""),
            ("help bogus", "unknown command 'bogus'", ""),
            ("help show store", "surplus operand 'store'", ""),
            ("store", "missing operand <channel>", "store "),
            ("store web", "missing operand <paths>", "store "),
            ("show a b c", "surplus operand 'c'", "show "),
            ("reset_all x", "surplus operand 'x'", "reset_all "),
            ("store --foo web /a", "unknown option '--foo'", "store "),
            ("--foo store web /a", "unknown option '--foo'", "store "),
            ("store --foo=bar web /a", "unknown option '--foo'", "store "),
            ("store -fx web /a", "unknown option '-x'", "store "),
            ("store --force=yes web /a", "option '--force' takes no value", "store "),
            ("store -f=1 web /a", "option '-f' takes no value", "store "),
            ("store --meta-list", "missing value for '--meta-list'", "store "),
            ("store --meta_list= web /a", "missing value for '--meta_list'", "store "),
            ("store -m -f web /a", "missing value for '-m'", "store "),
            ("store -m -- web /a", "missing value for '-m'", "store "),
            ("show --format xml web", "'xml' for '--format' is none of Plain, JSON", "show "),
            ("show -fxml web", "'xml' for '-f' is none of Plain, JSON", "show "),
            ("store --for web /a", "unknown option '--for'", "store "),
        ]
    )
    func refused(line: String, message: String, command: String) {
        #expect {
            _ = try read(line)
        } throws: { error in
            let error = error as? RekkordError
            return error?.kind == .usage && error?.message == message
                && error?.hint == "see 'rekkord \(command)--help'"
        }
    }

    @Test(
        "help and version need nothing else to be right",
        arguments: [
            ("help", "help "), ("--help", "help "), ("-h", "help "), ("-v --help", "help "),
            ("help help", "help "),
            ("help store", "help store"), ("help reset-all", "help reset_all"),
            ("-v help store", "help store"),
            ("store --help", "help store"), ("store -h", "help store"), ("--help store", "help store"),
            ("store --foo --help", "help store"), ("store -fh", "help store"),
            ("--version", "version"), ("-C c.ini --version", "version"), ("store --version", "version"),
        ]
    )
    func help(line: String, expected: String) throws {
        #expect(try read(line) == expected)
    }

    @Test("no arguments at all ask for the usage")
    func usage() throws {
        #expect(try read([]) == "usage")
    }

    @Test("operands behind -- are never taken for help")
    func terminator() throws {
        #expect(try read("store web -- --help") == "store -- web --help")
    }

    @Test("an empty operand is an operand, an empty separate value is missing")
    func empty() throws {
        #expect(try read(["store", "", ""]) == "store --  ")
        #expect(throws: RekkordError.self) { try read(["store", "-m", "", "web", "/a"]) }
    }

    @Test("the normal form keeps bytes that are no text, and the parser hands them on")
    func bytes() throws {
        let raw: [UInt8] = [0x2F, 0xFF, 0xCC, 0xB8]
        let arguments = [
            "store", "web", ArgumentBytes.encode(raw), "--cache-dir=" + ArgumentBytes.encode(raw),
        ]
        guard case .run(let command, let normal) = try reader.read(arguments) else {
            Issue.record("no command")
            return
        }
        #expect(command is SampleCommands.Store.Type)
        let parsed = try SampleCommands.Store.parse(normal)
        #expect(parsed.paths.map(\.path.bytes) == [raw])
        #expect(parsed.common.cacheDirectory?.path.bytes == raw)
    }

    @Test("a value that begins with a combining character reaches the command as it is")
    func combining() throws {
        let value = "\u{338}x"
        guard case .run(_, let normal) = try reader.read(["show", "--repository=\(value)", "id"]) else {
            return
        }
        let parsed = try SampleCommands.Show.parse(normal)
        #expect(parsed.common.repository?.bytes == Array(value.utf8))
    }

    @Test("keyword values count in any case")
    func keywords() throws {
        guard case .run(_, let normal) = try reader.read(["show", "-fjson", "id"]) else { return }
        #expect(try SampleCommands.Show.parse(normal).format == .json)
    }

    @Test("every real command is described and takes the common options")
    func realCommands() {
        for command in Rekkord.configuration.subcommands {
            let syntax = CommandSyntax(command)
            #expect(syntax.name == command._commandName)
            for name in [
                "-C", "--config-file", "--no-config", "-R", "-K", "-j", "--cache-dir", "-v", "--help",
            ] {
                #expect(syntax.options[name] != nil, "\(syntax.name) lacks \(name)")
            }
        }
    }
}
