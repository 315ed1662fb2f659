import Core
import Glibc
import SystemPackage
import TestSupport
import Testing

/// init, derive, identify and change_cid as a user sees them.
@Suite struct KeyCommandTests {
    private let folder: TemporaryDirectory
    private let program: Program

    init() throws {
        folder = try TemporaryDirectory()
        program = Program(in: folder.path)
    }

    private var repository: String { folder["repo"].string }

    private func makeRepository() throws {
        let result = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        try #require(result.status == 0, "\(result.error)")
    }

    private func mode(_ name: String) throws -> UInt32 {
        try System.status(of: folder[name].bytes).permissions
    }

    // MARK: init

    @Test("init -g makes a repository and a master key of mode 0600")
    func initialize() throws {
        let result = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        #expect(result.status == 0)
        #expect(result.output == "Repository: \(repository)\nKey file: master.key\n")
        #expect(result.error.isEmpty)
        #expect(try mode("master.key") == 0o600)
        #expect(try folder.names() == ["master.key", "repo"])
    }

    @Test("init takes an existing master key")
    func existingKey() throws {
        try makeRepository()
        let result = try program.run("init", "-R", "other", "-K", "master.key")
        #expect(result.status == 0)
        #expect(try program.run("identify", "-R", "other", "-K", "master.key").status == 0)
    }

    @Test("init refuses a repository that is there, and keeps no key for it")
    func alreadyInitialized() throws {
        try makeRepository()
        let config = try folder.read("repo/rekkord")
        let result = try program.run("init", "-R", "repo", "-g", "-K", "new.key")
        #expect(result.status == 1)
        #expect(result.error == "rekkord: error: cannot initialise '\(repository)': already initialised\n")
        #expect(try folder.names() == ["master.key", "repo"])
        #expect(try folder.read("repo/rekkord") == config)
    }

    @Test("init refuses any other content and leaves it alone")
    func otherContent() throws {
        try folder.write("repo/precious", "x")
        let result = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        #expect(result.status == 1)
        #expect(
            result.error == """
                rekkord: error: cannot initialise '\(repository)': the folder is not empty
                rekkord: hint: choose an empty or new folder

                """
        )
        #expect(try folder.names() == ["repo"])
        #expect(try folder.read("repo/precious") == Array("x".utf8))
    }

    @Test("init -g never overwrites a key, and makes no repository then")
    func keyExists() throws {
        try folder.write("master.key", "precious")
        let result = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        #expect(result.status == 1)
        #expect(
            result.error == """
                rekkord: error: cannot write 'master.key': file exists
                rekkord: hint: leave out --generate-key to use this key

                """
        )
        #expect(try folder.read("master.key") == Array("precious".utf8))
        #expect(try folder.names() == ["master.key"])
    }

    @Test("init needs the master key")
    func rights() throws {
        try makeRepository()
        _ = try program.run("derive", "-K", "master.key", "--offline", "-t", "ReadWrite", "-O", "rw.key")
        let result = try program.run("init", "-R", "other", "-K", "rw.key")
        #expect(result.status == 12)
        #expect(
            result.error
                == "rekkord: error: cannot init with ReadWrite key\nrekkord: hint: use a Master key\n"
        )
        #expect(try folder.names() == ["master.key", "repo", "rw.key"])
    }

    @Test("without a terminal a missing key file is an error, with one it is asked for")
    func prompt() throws {
        let silent = try program.run("init", "-g", "-R", "repo")
        #expect(silent.status == 64)
        #expect(silent.error.hasPrefix("rekkord: error: no key file is named\n"))
        #expect(try folder.names().isEmpty)

        let usual = try program.runOnTerminal("init", "-g", "-R", "repo", input: "\n")
        #expect(usual.status == 0)
        #expect(usual.error.contains("Key file to make [master.key]: "))
        #expect(usual.output == "Repository: \(repository)\nKey file: master.key\n")

        let named = try program.runOnTerminal("init", "-g", "-R", "second", input: "second.key\n")
        #expect(named.status == 0)
        #expect(try folder.names() == ["master.key", "repo", "second", "second.key"])

        let ended = try program.runOnTerminal("init", "-g", "-R", "third", input: "\u{4}")
        #expect(ended.status == 64)
    }

    // MARK: derive

    @Test("derive prints file, ID and type", arguments: ["WriteOnly", "ReadWrite", "LogOnly"])
    func derive(type: String) throws {
        try makeRepository()
        let result = try program.run(
            "derive",
            "-K",
            "master.key",
            "-R",
            "repo",
            "-t",
            type.lowercased(),
            "-O",
            "server1.key"
        )
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        try #require(lines.count == 4)
        #expect(lines[0] == "Key file: server1.key")
        #expect(lines[1].wholeMatch(of: /Key ID: [0-9A-F]{32}/) != nil)
        #expect(lines[2] == "Key type: \(type)")
        #expect(lines[3].isEmpty)
        #expect(try mode("server1.key") == 0o600)

        let identity = try program.run("identify", "-K", "server1.key", "-R", "repo")
        #expect(identity.status == 0)
        #expect(identity.output == "\(lines[1])\n\(lines[2])\n")
        #expect(identity.error.isEmpty)
    }

    @Test("the documented lines work as written")
    func documented() throws {
        try folder.write("config.ini", "[Repository]\nURL = repo\nKeyFile = none.key\n")
        var program = program
        program.environment["REKKORD_CONFIG_FILE"] = folder["config.ini"].string
        #expect(try program.run("init", "-g", "-K", "master.key").status == 0)
        for name in ["server1.key", "server2.key"] {
            #expect(try program.run("derive", "-K", "master.key", "-t", "WriteOnly", "-O", name).status == 0)
        }
        #expect(try folder.names() == ["config.ini", "master.key", "repo", "server1.key", "server2.key"])
    }

    @Test("derive replaces an existing file only with --force")
    func force() throws {
        try makeRepository()
        try folder.write("server1.key", "old", mode: 0o644)
        let line = [
            "derive", "-K", "master.key", "-R", "repo", "-t", "WriteOnly", "--output-filename", "server1.key",
        ]
        let refused = try program.run(bytes: line.map { Array($0.utf8) })
        #expect(refused.status == 1)
        #expect(
            refused.error
                == "rekkord: error: cannot write 'server1.key': file exists\nrekkord: hint: use --force\n"
        )
        #expect(try folder.read("server1.key") == Array("old".utf8))
        #expect(try program.run(bytes: (line + ["--force"]).map { Array($0.utf8) }).status == 0)
        #expect(try mode("server1.key") == 0o600)
        #expect(try program.run("identify", "-K", "server1.key", "-R", "repo").status == 0)
    }

    @Test(
        "derive never replaces a master key, however it is told to",
        arguments: ["master.key", "link", "other.key"]
    )
    func masterKeyStays(name: String) throws {
        try makeRepository()
        symlink("master.key", folder["link"].string)
        #expect(try program.run("init", "-R", "other", "-g", "-K", "other.key").status == 0)
        let before = try folder.read(name)
        let result = try program.run(
            "derive",
            "-f",
            "-K",
            "master.key",
            "-R",
            "repo",
            "-t",
            "WriteOnly",
            "-O",
            name
        )
        #expect(result.status == 1)
        #expect(result.output == "")
        #expect(
            result.error == """
                rekkord: error: cannot write '\(name)': it is a Master key
                rekkord: hint: choose another file, or remove it yourself

                """
        )
        #expect(try folder.read(name) == before)
    }

    @Test("derive neither replaces a pipe nor waits for it")
    func pipeStays() throws {
        try makeRepository()
        mkfifo(folder["pipe"].string, 0o600)
        let result = try program.run(
            "derive",
            "-f",
            "-K",
            "master.key",
            "-R",
            "repo",
            "-t",
            "WriteOnly",
            "-O",
            "pipe"
        )
        #expect(result.status == 1)
        #expect(result.error == "rekkord: error: cannot write 'pipe': it is not a regular file\n")
    }

    @Test("a key that is given in place of its file is not printed")
    func keyForFile() throws {
        try makeRepository()
        let key = String(decoding: try folder.read("master.key"), as: UTF8.self)
        for command in ["identify", "snapshots"] {
            var program = program
            program.environment["REKKORD_KEY_FILE"] = key
            let result = try program.run(command, "-R", "repo")
            #expect(result.status == 64)
            #expect(
                result.error.hasPrefix(
                    "rekkord: error: cannot read key file: what was given is the text of a key\n"
                )
            )
            for line in key.split(separator: "\n").dropFirst().dropLast() {
                #expect(!(result.error + result.output).contains(line))
            }
        }
    }

    @Test("only the master key derives")
    func deriveRights() throws {
        try makeRepository()
        _ = try program.run("derive", "-K", "master.key", "-R", "repo", "-t", "ReadWrite", "-O", "rw.key")
        let result = try program.run(
            "derive",
            "-K",
            "rw.key",
            "-R",
            "absent",
            "-t",
            "WriteOnly",
            "-O",
            "w.key"
        )
        #expect(result.status == 12)
        #expect(
            result.error
                == "rekkord: error: cannot derive with ReadWrite key\nrekkord: hint: use a Master key\n"
        )
    }

    @Test("a key of another repository does not match, unless nobody asks the repository")
    func wrongKey() throws {
        try makeRepository()
        _ = try program.run("init", "-R", "other", "-g", "-K", "other.key")
        let line = ["derive", "-K", "other.key", "-R", "repo", "-t", "WriteOnly", "-O", "w.key"]
        let result = try program.run(bytes: line.map { Array($0.utf8) })
        #expect(result.status == 12)
        #expect(
            result.error == "rekkord: error: cannot open repository '\(repository)': key does not match\n"
        )
        #expect(try !folder.names().contains("w.key"))
        #expect(try program.run(bytes: (line + ["--offline"]).map { Array($0.utf8) }).status == 0)
    }

    // MARK: identify and change_cid

    @Test("a repository that is not there is told with status 10 and a hint", arguments: ["absent", "empty"])
    func notInitialized(name: String) throws {
        try makeRepository()
        #expect(mkdir(folder["empty"].string, 0o700) == 0)
        let result = try program.run("identify", "-K", "master.key", "-R", name)
        #expect(result.status == 10)
        #expect(result.output.isEmpty)
        #expect(
            result.error == """
                rekkord: error: cannot open repository '\(folder[name].string)': not initialised
                rekkord: hint: run 'rekkord init'

                """
        )
    }

    @Test("an older repository is told by its version")
    func olderRepository() throws {
        try makeRepository()
        var config = try folder.read("repo/rekkord")
        config[0] = 2
        try folder.write("repo/rekkord", config)
        let result = try program.run("identify", "-K", "master.key", "-R", "repo")
        #expect(result.status == 1)
        #expect(
            result.error
                == "rekkord: error: cannot open repository '\(repository)': config version 2 is not supported\n"
        )
    }

    @Test("identify --offline needs no repository")
    func offline() throws {
        try makeRepository()
        let result = try program.run("identify", "--offline", "-K", "master.key")
        #expect(result.status == 0)
        #expect(result.output == "Key ID: 00000000000000000000000000000000\nKey type: Master\n")
    }

    @Test("change_cid changes the config object, with the master key only")
    func changeCacheID() throws {
        try makeRepository()
        _ = try program.run("derive", "-K", "master.key", "-R", "repo", "-t", "ReadWrite", "-O", "rw.key")
        let before = try folder.read("repo/rekkord")
        let refused = try program.run("change_cid", "-K", "rw.key", "-R", "repo")
        #expect(refused.status == 12)
        #expect(
            refused.error
                == "rekkord: error: cannot change_cid with ReadWrite key\nrekkord: hint: use a Master key\n"
        )
        #expect(try folder.read("repo/rekkord") == before)
        #expect(try program.run("change-cid", "-K", "master.key", "-R", "repo").status == 0)
        #expect(try folder.read("repo/rekkord") != before)
        #expect(try program.run("identify", "-K", "rw.key", "-R", "repo").status == 0)
    }

    @Test("paths that are not UTF-8 work everywhere")
    func bytes() throws {
        let name: [UInt8] = [0x72, 0xFF, 0x0A]
        func run(_ words: [[UInt8]]) throws -> Program.Result { try program.run(bytes: words) }
        func text(_ text: String) -> [UInt8] { Array(text.utf8) }
        let made = try run([
            text("init"), text("-g"), text("-R"), name, text("--key-file=") + name + text(".key"),
        ])
        #expect(made.status == 0)
        #expect(made.output == "Repository: \(folder.path.string)/r\\xFF\\x0A\nKey file: r\\xFF\\x0A.key\n")
        let found = try run([text("identify"), text("-R") + name, text("-K"), name + text(".key")])
        #expect(found.status == 0)
    }
}
