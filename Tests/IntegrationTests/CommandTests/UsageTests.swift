import Glibc
import SystemPackage
import TestSupport
import Testing

/// The first lines of the message table: wrong use is told in one line, with a hint, and status 64.
@Suite struct UsageTests {
    private let folder: TemporaryDirectory
    private let program: Program

    init() throws {
        folder = try TemporaryDirectory()
        program = Program(in: folder.path)
    }

    private func expectUsageError(_ arguments: [String], _ message: String, _ command: String = "") throws {
        let result = try program.run(bytes: arguments.map { Array($0.utf8) })
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(
            result.error == "rekkord: error: \(message)\nrekkord: hint: see 'rekkord \(command)--help'\n",
            "\(arguments)"
        )
    }

    @Test("an unknown option is named")
    func unknownOption() throws {
        try expectUsageError(["init", "--foo"], "unknown option '--foo'", "init ")
        try expectUsageError(["--foo", "init"], "unknown option '--foo'", "init ")
        try expectUsageError(["--foo"], "unknown option '--foo'")
        try expectUsageError(["identify", "-vx"], "unknown option '-x'", "identify ")
    }

    @Test("an unknown or missing command is named")
    func command() throws {
        try expectUsageError(["bogus"], "unknown command 'bogus'")
        try expectUsageError(["-v"], "missing command")
        try expectUsageError(["help", "bogus"], "unknown command 'bogus'")
    }

    @Test("missing values, flags with values and surplus operands are named")
    func values() throws {
        try expectUsageError(["identify", "-K"], "missing value for '-K'", "identify ")
        try expectUsageError(["identify", "--key_file", "-v"], "missing value for '--key_file'", "identify ")
        try expectUsageError(["identify", "--offline=yes"], "option '--offline' takes no value", "identify ")
        try expectUsageError(["identify", "x"], "surplus operand 'x'", "identify ")
        try expectUsageError(
            ["derive", "-t", "Foo", "-O", "x"],
            "'Foo' for '-t' is none of WriteOnly, ReadWrite, LogOnly",
            "derive "
        )
        try expectUsageError(
            ["derive", "-O", "x"],
            "missing expected argument '--type <type>'",
            "derive "
        )
        try expectUsageError(
            ["identify", "-j", "many"],
            "the value 'many' is invalid for '--threads <n>'",
            "identify "
        )
    }

    @Test("control characters and bytes that are no text are shown escaped")
    func escaped() throws {
        let result = try program.run(bytes: [[0x62, 0xFF, 0x1B, 0x5C]])
        #expect(result.status == 64)
        #expect(
            result.error
                == "rekkord: error: unknown command 'b\\xFF\\x1B\\x5C'\nrekkord: hint: see 'rekkord --help'\n"
        )
    }

    @Test("numbers below 1 and options that exclude each other are refused")
    func conflicts() throws {
        let threads = try program.run("identify", "-j", "0")
        #expect(threads.status == 64)
        #expect(threads.error == "rekkord: error: '--threads' must be 1 or more\n")
        let config = try program.run("identify", "-C", "x", "--no-config")
        #expect(config.status == 64)
        #expect(config.error == "rekkord: error: '--config-file' and '--no-config' exclude each other\n")
    }

    @Test("no command prints the usage on standard error")
    func usage() throws {
        let result = try program.run()
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.error.contains("USAGE: rekkord"))
    }

    @Test("help and version print on standard output and read no configuration")
    func help() throws {
        try folder.write(".config/rekkord/rekkord.ini", "[Nonsense]\n")
        for arguments in [
            ["--help"], ["help"], ["help", "init"], ["init", "--help"], ["-h"], ["init", "-vh"],
        ] {
            let result = try program.run(bytes: arguments.map { Array($0.utf8) })
            #expect(result.status == 0)
            #expect(result.error.isEmpty)
            #expect(result.output.contains("USAGE: rekkord"))
        }
        let version = try program.run("--version")
        #expect(version.status == 0)
        #expect(version.output == "rekkord 0.1.0\n")
        #expect(version.error.isEmpty)
    }

    @Test("help shows every command")
    func commands() throws {
        let help = try program.run("help").output
        for command in ["init", "derive", "identify", "save", "change_cid", "reset_cache"] {
            #expect(help.contains("\n  \(command) "))
        }
    }

    @Test("called by mount(8) as a helper, -f does nothing and wrong flags are refused")
    func mountHelper() throws {
        var helper = program
        helper.name = "/sbin/mount.rekkord"
        let fake = try helper.run("web", "/mnt", "-f", "-o", "rw")
        #expect(fake.status == 0)
        #expect(fake.error.isEmpty)
        let wrong = try helper.run("web", "/mnt", "-x")
        #expect(wrong.status == 64)
        #expect(wrong.error == "rekkord: error: unknown option '-x'\nrekkord: hint: see 'rekkord --help'\n")
    }

    @Test("a closed standard stream never becomes a file of ours, and lost results are an error")
    func closedStreams() throws {
        let binary = Program.builtBinary
        let output = try Program.shell(in: folder.path, "'\(binary)' --version >&-")
        #expect(output.status == 1)
        #expect(output.error == "rekkord: error: cannot write standard output: Bad file descriptor\n")
        let line =
            "'\(binary)' init -R repo -g -K master.key >&- 2>&- <&-; '\(binary)' identify -R repo -K master.key"
        #expect(try Program.shell(in: folder.path, line).status == 0)
    }

    @Test(
        "signals end a command with their status and one line",
        arguments: [(SIGHUP, 129), (SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)]
    )
    func signals(signal: Int32, status: Int32) throws {
        // Opening a pipe without a writer holds the program back until its handlers are in place.
        #expect(mkfifo(folder["pipe.key"].string, 0o600) == 0)
        let running = try program.start("identify", "--offline", "-K", "pipe.key")
        var writer: Int32 = -1
        while writer < 0 {
            writer = open(folder["pipe.key"].string, O_WRONLY | O_NONBLOCK)
            usleep(1000)
        }
        running.send(signal)
        let result = try running.wait()
        close(writer)
        #expect(result.status == status)
        #expect(result.output.isEmpty)
        #expect(result.error == "rekkord: error: interrupted\n")
    }

    @Test("results that cannot be written are an error")
    func fullDisk() throws {
        let shell = try Program.shell(in: folder.path, "'\(Program.builtBinary)' --version > /dev/full")
        #expect(shell.status == 1)
        #expect(shell.error == "rekkord: error: cannot write standard output: No space left on device\n")
    }
}
