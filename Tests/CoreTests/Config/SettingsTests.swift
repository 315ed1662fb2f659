import SystemPackage
import Testing

@testable import Core

@Suite struct SettingsTests {
    private func environment(_ variables: [String: String] = [:]) -> ProcessEnvironment {
        ProcessEnvironment(
            variables: variables.mapValues { Array($0.utf8) },
            workingDirectory: "/work",
            executableDirectory: "/opt/bin",
            userID: 1000
        )
    }

    private func settings(
        _ text: String = "",
        _ variables: [String: String] = [:],
        _ overrides: Settings.Overrides = .init()
    ) throws -> Settings {
        let file = try ConfigFile(text.utf8, path: "/etc/rekkord/rekkord.ini")
        return try Settings(file: file, environment: environment(variables), overrides: overrides)
    }

    private func message(_ body: () throws -> Settings) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            let error = error as? RekkordError
            #expect(error?.kind == .usage)
            return error?.message
        }
    }

    @Test("an empty configuration gives the defaults")
    func defaults() throws {
        let settings = try Settings(file: nil, environment: environment(["HOME": "/home/u"]))
        #expect(settings.repository == nil)
        #expect(settings.keyFile == nil)
        #expect(settings.threads == nil)
        #expect(settings.compressionLevel == 1)
        #expect(settings.splitting == .stable)
        #expect(!settings.testWrites)
        #expect(settings.s3 == S3Settings())
        #expect(settings.s3.checksumType == .crc64nvme)
        #expect(settings.s3.retainMode == .governance)
        #expect(settings.sftp == SFTPSettings())
        #expect(settings.hooks == HookSettings())
        #expect(settings.cache.directory == "/home/u/.cache/rekkord")
        #expect(settings.cache.memorySize == 256_000_000)
        #expect(settings.cache.metadataSize == 0)
        #expect(settings.cache.blobSize == 0)
    }

    @Test("command line beats file beats environment")
    func precedence() throws {
        let text = """
            [Repository]
            URL = /from/file
            KeyFile = file.key
            [Settings]
            Threads = 2
            [Cache]
            Directory = cache
            """
        let variables = [
            "REKKORD_REPOSITORY": "/from/environment", "REKKORD_KEY_FILE": "environment.key",
            "REKKORD_KEYFILE": "older.key", "XDG_CACHE_HOME": "/xdg",
        ]
        var overrides = Settings.Overrides()
        overrides.repository = Array("from/line".utf8)
        overrides.keyFile = "line.key"
        overrides.threads = 7
        overrides.cacheDirectory = "line-cache"

        let line = try settings(text, variables, overrides)
        #expect(line.repository == .local("/work/from/line"))
        #expect(line.keyFile == "line.key")
        #expect(line.threadCount(cores: 1) == 7)
        #expect(line.cache.directory == "/work/line-cache")

        let file = try settings(text, variables)
        #expect(file.repository == .local("/from/file"))
        #expect(file.keyFile == "/etc/rekkord/file.key")
        #expect(file.threadCount(cores: 1) == 2)
        #expect(file.cache.directory == "/etc/rekkord/cache")

        var rest = try settings("", variables)
        #expect(rest.repository == .local("/from/environment"))
        #expect(rest.keyFile == "environment.key")
        #expect(rest.threadCount(cores: 3) == 6)
        #expect(rest.cache.directory == "/xdg/rekkord")

        rest = try settings("", ["REKKORD_KEYFILE": "older.key", "REKKORD_REPOSITORY": ""])
        #expect(rest.keyFile == "older.key")
        #expect(rest.repository == nil)
        #expect(rest.cache.directory == nil)
    }

    @Test("a relative repository in a file counts from the file's folder")
    func relativeRepository() throws {
        #expect(try settings("[Repository]\nURL = repo\n").repository == .local("/etc/rekkord/repo"))
    }

    @Test("metadata of remote repositories is cached on disk unless that is turned off")
    func remoteCache() throws {
        #expect(try settings("[Repository]\nURL = https://h/b\n").cache.metadataSize == 512_000_000)
        let off = "[Repository]\nURL = u@h:p\n[Cache]\nMetadataSize = 0\n"
        #expect(try settings(off).cache.metadataSize == 0)
    }

    @Test("a lock setting with other storage than S3 is an error where it stands")
    func locks() throws {
        let text = "[S3]\nRetainDuration = 30d\nRetainMode = COMPLIANCE\n"
        var overrides = Settings.Overrides()
        overrides.repository = Array("/srv/x".utf8)
        do {
            _ = try settings(text, [:], overrides)
            Issue.record("accepted")
        } catch let error as RekkordError {
            #expect(error.kind == .usage)
            #expect(error.message == "/etc/rekkord/rekkord.ini:2: RetainDuration needs S3 storage")
            #expect(error.details == ["/etc/rekkord/rekkord.ini:3: RetainMode needs S3 storage"])
        }
        overrides.repository = Array("u@h:p".utf8)
        #expect(message { try settings(text, [:], overrides) } != nil)
        #expect(message { try settings("[S3]\nRetainMode = GOVERNANCE\n", [:], overrides) } != nil)
        #expect(
            message { try settings("[S3]\nRetainDuration = 0\nRetainMode = GOVERNANCE\n", [:], overrides) }
                == nil
        )
        overrides.repository = Array("https://h/b".utf8)
        #expect(try settings(text, [:], overrides).s3.retainSeconds == 30 * 86400)
        #expect(try settings(text).s3.retainMode == .compliance)
    }

    @Test("a bad URL is reported with the place it comes from")
    func badURL() throws {
        var overrides = Settings.Overrides()
        overrides.repository = Array("ftp://x".utf8)
        #expect(
            message { try settings("", [:], overrides) }
                == "--repository: unknown scheme 'ftp://' in the repository URL"
        )
        #expect(
            message { try settings("", ["REKKORD_REPOSITORY": "ssh://u:pw@h/p"]) }
                == "REKKORD_REPOSITORY: a password does not belong into the repository URL"
        )
    }

    @Test(
        "URL = S3 puts the location together",
        arguments: [
            ("Host = h\nBucket = b", "s3:https://h/b"),
            ("Host = h\nPort = 9000\nBucket = b\nPrefix = p/q", "s3:https://h:9000/b/p/q"),
            ("Location = http://h:9000\nBucket = b", "s3:http://h:9000/b"),
            ("Endpoint = h\nBucket = b", "s3:https://h/b"),
            ("Location = s3:https://h/b/p", "s3:https://h/b/p"),
            ("Location = https://b.s3.eu.test\nPrefix = p", "s3:https://b.s3.eu.test/p"),
            ("Location = https://b.s3.eu.test\nBucket = b", "s3:https://b.s3.eu.test"),
            ("Bucket = b", "s3:https://from.environment/b"),
        ]
    )
    func s3Parts(keys: String, shown: String) throws {
        let settings = try settings(
            "[Repository]\nURL = S3\n[S3]\n\(keys)\n",
            ["S3_ENDPOINT": "https://from.environment", "AWS_LOCATION": "other"]
        )
        #expect(settings.repository?.displayURL == shown)
    }

    @Test(
        "parts that are missing or do not go together are named",
        arguments: [
            ("S3", "[S3]\nBucket = b", "S3 needs Location or Host in [S3]"),
            ("S3", "[S3]\nHost = h", "S3 needs Bucket in [S3]"),
            (
                "S3", "[S3]\nHost = h\nLocation = h",
                "Location in [S3] stands for Host and Port, set one or the other"
            ),
            ("S3", "[S3]\nLocation = h/b\nBucket = c", "Location in [S3] already names a bucket"),
            ("S3", "[S3]\nLocation = ssh://h\nBucket = c", "unknown scheme 'ssh://' in Location of [S3]"),
            ("SFTP", "[SFTP]\nHost = h\nUser = u", "SFTP needs Location, or Host, User and Path in [SFTP]"),
            (
                "SFTP", "[SFTP]\nLocation = /srv",
                "Location in [SFTP] looks like 'ssh://user@host/path' or 'user@host:path'"
            ),
            (
                "SFTP", "[SFTP]\nLocation = u@h:p\nPort = 2",
                "Location in [SFTP] stands for Host, Port, User and Path, set one or the others"
            ),
        ]
    )
    func badParts(word: String, keys: String, reason: String) {
        #expect(
            message { try settings("[Repository]\nURL = \(word)\n\(keys)\n") }
                == "/etc/rekkord/rekkord.ini:2: URL: \(reason)"
        )
    }

    @Test("URL = SFTP puts the location together")
    func sftpParts() throws {
        let parts = "[Repository]\nURL = sftp\n[SFTP]\nHost = h\nPort = 2222\nUser = u\nPath = /srv/b\n"
        #expect(try settings(parts).repository?.displayURL == "ssh://u@h:2222//srv/b")
        let whole = "[Repository]\nURL = SFTP\n[SSH]\nLocation = u@h:b\n"
        #expect(try settings(whole).repository?.displayURL == "ssh://u@h/b")
    }

    @Test("credentials come from the file, then S3_…, then AWS_…; SSH_… likewise")
    func credentials() throws {
        let variables = [
            "S3_ACCESS_KEY_ID": "s3id", "AWS_ACCESS_KEY_ID": "awsid", "AWS_SECRET_ACCESS_KEY": "awssecret",
            "AWS_DEFAULT_REGION": "awsregion", "SSH_KEYFILE": "id", "SSH_FINGERPRINT": "SHA256:x",
            "SSH_PASSWORD": "pw", "AWS_CA_BUNDLE": "authority.pem", "SSL_CERT_FILE": "/etc/other.pem",
        ]
        let environment = try settings("", variables)
        #expect(environment.s3.certificateFile == "/work/authority.pem")
        #expect(try settings("").s3.certificateFile == nil)
        #expect(environment.s3.accessKeyID == "s3id")
        #expect(environment.s3.secretKey == SecretText(Array("awssecret".utf8)))
        #expect(environment.s3.region == "awsregion")
        #expect(environment.sftp.credential == .keyFile("/work/id"))
        #expect(environment.sftp.fingerprint == "SHA256:x")
        let file = try settings("[S3]\nKeyID = file\nRegion = r\n[SFTP]\nPassword = p\n", variables)
        #expect(file.s3.accessKeyID == "file")
        #expect(file.s3.region == "r")
        #expect(file.sftp.credential == .password(SecretText(Array("p".utf8))))
    }
}
