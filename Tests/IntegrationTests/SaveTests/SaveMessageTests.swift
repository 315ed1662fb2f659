import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// What a save prints when something is in its way, and how it ends.
@Suite struct SaveMessageTests {
    private let setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
    }

    private func expect(_ arguments: [String], status: Int32, error: String) throws {
        let result = try setup.program.run(bytes: arguments.map { Array($0.utf8) })
        #expect(result.status == status, "\(arguments)")
        #expect(result.error == error, "\(arguments)")
        #expect(result.output.isEmpty)
    }

    @Test("operands that are missing, surplus or no channel are usage errors")
    func usage() throws {
        let hint = "rekkord: hint: see 'rekkord save --help'\n"
        let id = "M" + String(repeating: "0a", count: 32)
        let long = String(repeating: "c", count: 257)
        for (arguments, message) in [
            ([], "missing operand <channel>"),
            (["web"], "missing operand <path>"),
            (["--no-snapshot"], "missing operand <path>"),
            (["--no-snapshot", "a", "b"], "surplus operand 'b'"),
            (["--from", "list", "web"], "surplus operand 'web'"),
            ([id, "tree"], "channel name '\(id)' has the form of an object ID"),
            ([long, "tree"], "channel name '\(long)' must have 1 to 256 bytes"),
            (["", "tree"], "channel name '' must have 1 to 256 bytes"),
            (["web", ""], "a path must not be empty"),
        ] as [([String], String)] {
            try expect(["save"] + arguments, status: 64, error: "rekkord: error: \(message)\n" + hint)
        }
        #expect(try setup.snapshotCount() == 0)
    }

    @Test("errors in a list are reported together, with their lines")
    func list() throws {
        try setup.folder.write("list", "[one]\nSource = x\n[two]\nSourcePath = tree\n")
        try expect(
            ["save", "--from", "list"],
            status: 64,
            error: "rekkord: error: list:1: [one] has no SourcePath\n"
                + "rekkord: error: list:2: unknown key 'Source'\n"
        )
    }

    @Test("operands that cannot be saved end the save without a snapshot")
    func operands() throws {
        mkfifo(setup.folder["pipe"].string, 0o600)
        for (path, reason) in [("missing", "No such file or directory"), ("pipe", "special file")] {
            try expect(
                ["save", "web", "tree", path],
                status: 1,
                error: "rekkord: error: cannot read '\(setup.root)/\(path)': \(reason)\n"
            )
        }
        #expect(try setup.snapshotCount() == 0)
    }

    @Test("a key that cannot write cannot save")
    func wrongKey() throws {
        var program = setup.program
        program.environment["REKKORD_KEY_FILE"] = "master.key"
        #expect(try program.run("derive", "-t", "LogOnly", "-O", "log.key").status == 0)
        program.environment["REKKORD_KEY_FILE"] = "log.key"
        let result = try program.run("save", "web", "tree")
        #expect(result.status == 12)
        #expect(
            result.error == """
                rekkord: error: cannot save with LogOnly key
                rekkord: hint: use a Master, WriteOnly or ReadWrite key

                """
        )
    }

    @Test("on a terminal, a key that reads gets a hint")
    func readingKey() throws {
        var program = setup.program
        let hint = "prefer a WriteOnly key for save"
        #expect(try !program.runOnTerminal("save", "web", "tree", input: "").error.contains(hint))
        program.environment["REKKORD_KEY_FILE"] = "master.key"
        #expect(try program.runOnTerminal("save", "web", "tree", input: "").error.contains(hint))
        #expect(try program.run("save", "web", "tree").error == "")
    }

    @Test("a cache that cannot be used costs one warning")
    func unusableCache() throws {
        let result = try setup.program.run("save", "--cache-dir", "tree/a/cache", "web", "tree")
        #expect(result.status == 0)
        let lines = result.error.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("rekkord: warning: cannot use cache '") == true)
        #expect(lines.first?.hasSuffix("': Not a directory") == true)
    }

    @Test("a special file is named, and changes neither status nor count")
    func specialFile() throws {
        mkfifo(setup.folder["tree/pipe"].string, 0o600)
        let result = try setup.program.run("save", "web", "tree")
        #expect(result.status == 0)
        let path = "\(setup.root)/tree/pipe"
        #expect(result.error == "rekkord: warning: cannot store the content of '\(path)': special file\n")
    }

    @Test("the repository and the cache below an operand are stored empty")
    func ownFolders() throws {
        let result = try setup.program.run("save", "--cache-dir", "cache", "web", ".")
        #expect(result.status == 0)
        let again = try setup.program.run("save", "--cache-dir", "cache", "web", ".")
        #expect(
            again.error == """
                rekkord: warning: not entering '\(setup.root)/cache': the cache
                rekkord: warning: not entering '\(setup.root)/repo': the repository

                """
        )
    }

    @Test("what the user may not read is named and kept without content")
    func unreadable() throws {
        let root = setup.folder.path.string
        for (name, mode) in [("tree/secret", 0o000), ("tree/closed/inner", 0o600)] {
            try setup.folder.write(name, "x", mode: UInt16(mode))
        }
        chmod(setup.folder["tree/closed"].string, 0o000)
        defer { chmod(setup.folder["tree/closed"].string, 0o700) }
        // Root reads everything, so another user has to do it.
        let user = geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : ""
        let binary = setup.program.path.string
        let line = """
            test -z "\(user)" || chown -R 65534:65534 .
            HOME=\(root) \(user) \(binary) save -R repo -K writer.key web tree; echo status $?
            """
        let result = try Program.shell(in: setup.folder.path, line)
        #expect(result.output.contains("Unreadable entries: 2\n"))
        #expect(result.output.hasSuffix("status 3\n"))
        #expect(
            result.error == """
                rekkord: warning: cannot read '\(setup.root)/tree/closed': Permission denied
                rekkord: warning: cannot read '\(setup.root)/tree/secret': Permission denied
                rekkord: warning: 2 entries could not be read

                """
                || result.error == """
                    rekkord: warning: cannot read '\(setup.root)/tree/secret': Permission denied
                    rekkord: warning: cannot read '\(setup.root)/tree/closed': Permission denied
                    rekkord: warning: 2 entries could not be read

                    """
        )
        #expect(try setup.snapshotCount() == 1)
    }

    @Test("a signal ends the save without a snapshot", arguments: [SIGINT, SIGTERM, SIGHUP])
    func interrupted(signal: Int32) throws {
        // A hole takes no room, and much longer to read than this test waits.
        #expect(truncate(setup.folder["tree/a"].string, 1 << 40) == 0)
        let running = try setup.program.start("save", "-j", "1", "--cache-dir", "cache", "web", "tree")
        // Until then the signal may come too early to end anything in good order.
        while try Program.shell(in: setup.folder.path, "find cache repo/tmp -type f | wc -l").output < "2" {}
        running.send(signal)
        let result = try running.wait()
        #expect(result.status == 128 + signal)
        #expect(result.error == "rekkord: error: interrupted\n")
        #expect(result.output == "")
        #expect(try setup.snapshotCount() == 0)
    }
}
