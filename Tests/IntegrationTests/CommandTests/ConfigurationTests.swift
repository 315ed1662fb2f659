import SystemPackage
import TestSupport
import Testing

/// What a user meets when configuration, key file or repository are not as they should be.
@Suite struct ConfigurationTests {
    private let folder: TemporaryDirectory
    private var program: Program

    init() throws {
        folder = try TemporaryDirectory()
        program = Program(in: folder.path)
    }

    private func path(_ name: String) -> String { folder[name].string }

    @Test("all errors of a configuration file are reported with file and line")
    func configurationErrors() throws {
        try folder.write("c.ini", "[S3]\nFoo = 1\n[Bar]\n[Settings]\nThreads = x\n")
        let result = try program.run("identify", "-C", "c.ini")
        #expect(result.status == 64)
        #expect(
            result.error == """
                rekkord: error: \(path("c.ini")):2: unknown key 'Foo' in [S3]
                rekkord: error: \(path("c.ini")):3: unknown section [Bar]
                rekkord: error: \(path("c.ini")):5: Threads: 'x' is not an integer of 1 or more

                """
        )
    }

    @Test("a lock duration out of range is refused with a hint")
    func duration() throws {
        try folder.write("c.ini", "[S3]\nRetainDuration = 5d\n")
        let result = try program.run("identify", "-C", "c.ini")
        #expect(result.status == 64)
        #expect(
            result.error == """
                rekkord: error: \(path("c.ini")):2: RetainDuration of 5d is outside 14d to 100d
                rekkord: hint: set 'DurationSafety = No' in [S3] to allow it

                """
        )
    }

    @Test("a lock setting on a local repository is refused")
    func locks() throws {
        try folder.write("c.ini", "[S3]\nRetainDuration = 30d # 30 days\n")
        let result = try program.run("identify", "-C", "c.ini", "-R", "repo")
        #expect(result.status == 64)
        #expect(result.error == "rekkord: error: \(path("c.ini")):2: RetainDuration needs S3 storage\n")
    }

    @Test("a named configuration file must be there")
    func missingFile() throws {
        let expected = "rekkord: error: cannot read '\(path("c.ini"))': No such file or directory\n"
        let option = try program.run("identify", "-C", "c.ini")
        #expect(option.status == 64)
        #expect(option.error == expected)
        var program = program
        program.environment = ["REKKORD_CONFIG_FILE": "c.ini"]
        let variable = try program.run("identify")
        #expect(variable.status == 64)
        #expect(variable.error == expected)
        #expect(try program.run("identify", "--no-config").error != expected)
    }

    @Test("a missing repository or key is named with the ways to set it")
    func missingSettings() throws {
        let repository = try program.run("identify")
        #expect(repository.status == 64)
        #expect(
            repository.error == """
                rekkord: error: no repository is named
                rekkord: hint: use --repository, URL in [Repository] or REKKORD_REPOSITORY

                """
        )
        let key = try program.run("identify", "--offline")
        #expect(key.status == 64)
        #expect(
            key.error == """
                rekkord: error: no key file is named
                rekkord: hint: use --key-file, KeyFile in [Repository] or REKKORD_KEY_FILE

                """
        )
    }

    @Test("an absent key file is a usage error, a malformed one a key error")
    func keyFile() throws {
        let absent = try program.run("identify", "--offline", "-K", "no.key")
        #expect(absent.status == 64)
        #expect(absent.error == "rekkord: error: cannot read key file 'no.key': No such file or directory\n")
        try folder.write("bad.key", "hello")
        let malformed = try program.run("identify", "--offline", "-K", "bad.key")
        #expect(malformed.status == 12)
        #expect(malformed.error == "rekkord: error: cannot read key file 'bad.key': malformed key file\n")
    }

    @Test("missing credentials, storage that is still to come and bad URLs are told clearly")
    func unsupportedStorage() throws {
        _ = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        let s3 = try program.run("identify", "-K", "master.key", "-R", "https://s3.example.org/bucket")
        #expect(s3.status == 64)
        #expect(
            s3.error == """
                rekkord: error: cannot open repository 's3:https://s3.example.org/bucket': no S3 access key is set
                rekkord: hint: set KeyID and SecretKey in [S3], or S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY

                """
        )
        let sftp = try program.run("identify", "-K", "master.key", "-R", "user@host:path")
        #expect(sftp.status == 1)
        #expect(
            sftp.error
                == "rekkord: error: cannot open repository 'ssh://user@host/path': SFTP storage is not supported yet\n"
        )
        let unknown = try program.run("identify", "-K", "master.key", "-R", "ftp://host/path")
        #expect(unknown.status == 64)
        #expect(
            unknown.error == "rekkord: error: --repository: unknown scheme 'ftp://' in the repository URL\n"
        )
        let password = try program.run("identify", "-K", "master.key", "-R", "ssh://user:hunter2@host/path")
        #expect(password.status == 64)
        #expect(
            password.error
                == "rekkord: error: --repository: a password does not belong into the repository URL\n"
        )
    }

    @Test("-v names repository and key type before any warning")
    func verbose() throws {
        _ = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        try folder.write(
            "c.ini",
            "[Agent]\n[Repository]\nURL = repo\nKeyFile = master.key\n[S3]\nConditionalWrites = 1\n"
        )
        let result = try program.run("identify", "-v", "-C", "c.ini")
        #expect(result.status == 0)
        #expect(
            result.error == """
                Repository: \(path("repo")) (Master)
                rekkord: warning: \(path("c.ini")):1: [Agent] is ignored
                rekkord: warning: \(path("c.ini")):6: ConditionalWrites is ignored: support is detected

                """
        )
        let quiet = try program.run("identify", "-C", "c.ini")
        #expect(quiet.error.hasPrefix("rekkord: warning: "))
    }

    @Test("a key file that others can read gives a warning")
    func openKeyFile() throws {
        _ = try program.run("init", "-R", "repo", "-g", "-K", "master.key")
        try folder.write("open.key", try folder.read("master.key"), mode: 0o644)
        let result = try program.run("identify", "-R", "repo", "-K", "open.key")
        #expect(result.status == 0)
        #expect(result.error == "rekkord: warning: 'open.key': others can read it, use 'chmod 600'\n")
    }

    @Test("relative paths in a file count from its folder, on the command line from the working directory")
    func relativePaths() throws {
        try folder.write("conf/c.ini", "[Repository]\nURL = ../repo\nKeyFile = keys/m.key\n")
        try folder.write("conf/keys/placeholder", "")
        let made = try program.run("init", "-g", "-C", "conf/c.ini")
        #expect(made.status == 0)
        #expect(try folder.names() == ["conf", "repo"])
        #expect(try program.run("identify", "-R", "repo", "-K", "conf/keys/m.key").status == 0)
        #expect(try program.run("identify", "-C", "conf/c.ini", "-R", "conf/repo").status == 10)
    }
}
