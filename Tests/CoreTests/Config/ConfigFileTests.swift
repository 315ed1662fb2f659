import SystemPackage
import Testing

@testable import Core

@Suite struct ConfigFileTests {
    private func load(_ text: String) throws -> ConfigFile {
        try ConfigFile(text.utf8, path: "/etc/rekkord/rekkord.ini")
    }

    /// Loads what must fail and returns the error lines without the path.
    private func errors(_ text: String) -> [String] {
        do {
            _ = try load(text)
            return []
        } catch {
            guard let error = error as? RekkordError, error.kind == .usage else { return ["\(error)"] }
            return ([error.message] + error.details).map {
                String($0.dropFirst("/etc/rekkord/rekkord.ini:".count))
            }
        }
    }

    @Test("the documented example loads as it stands")
    func example() throws {
        let file = try load(
            """
            [S3]
            RetainDuration = 30d # 30 days
            RetainMode = GOVERNANCE # Optional, defaults to GOVERNANCE
            """
        )
        #expect(file.retainSeconds?.value == 2_592_000)
        #expect(file.retainMode?.value == .governance)
        #expect(file.warnings.isEmpty)
    }

    @Test("every documented key is read")
    func everyKey() throws {
        let file = try load(
            """
            [Repository]
            URL = backup
            KeyFile = keys/master.key
            [Settings]
            Threads = 3
            CompressionLevel = 12
            Chunking = rekkord
            TestWrites = Yes
            [S3]
            RetainDuration = 20d
            RetainMode = compliance
            DurationSafety = on
            ChecksumType = crc32C
            Location = https://s3.test
            Host = h
            Port = 9000
            Region = eu
            Bucket = b
            Prefix = p
            KeyID = id
            SecretKey = s;e#c ; ret # really
            ConditionalWrites = perhaps
            [SFTP]
            Location = u@h:p
            Host = h
            Port = 2222
            User = u
            Path = /p
            Fingerprint = SHA256:abc
            KnownHosts = no
            Password = pw
            [Hooks]
            PreSaveDirectory = a
            PostSaveDirectory = b
            PreScanDirectory = c
            PostScanDirectory = /d
            [Cache]
            Directory = cache
            MemorySize = 1G
            MetadataSize = 0
            BlobSize = 5M
            """
        )
        #expect(file.url?.value == Array("backup".utf8))
        #expect(file.keyFile?.value == "/etc/rekkord/keys/master.key")
        #expect(file.threads?.value == 3)
        #expect(file.compressionLevel?.value == 12)
        #expect(file.splitting?.value == .rekkord)
        #expect(file.testWrites?.value == true)
        #expect(file.retainSeconds?.value == 1_728_000)
        #expect(file.retainMode?.value == .compliance)
        #expect(file.durationSafety?.value == true)
        #expect(file.checksumType?.value == .crc32c)
        #expect(file.s3Address.location?.value == "https://s3.test")
        #expect(file.s3Address.host?.value == "h")
        #expect(file.s3Address.port?.value == 9000)
        #expect(file.s3Address.region?.value == "eu")
        #expect(file.s3Address.bucket?.value == "b")
        #expect(file.s3Address.prefix?.value == "p")
        #expect(file.accessKeyID?.value == "id")
        #expect(file.secretKey?.value == SecretText(Array("s;e#c ; ret".utf8)))
        #expect(file.sftpAddress.location?.value == Array("u@h:p".utf8))
        #expect(file.sftpAddress.host?.value == "h")
        #expect(file.sftpAddress.port?.value == 2222)
        #expect(file.sftpAddress.user?.value == "u")
        #expect(file.sftpAddress.path?.value == Array("/p".utf8))
        #expect(file.fingerprint?.value == "SHA256:abc")
        #expect(file.usesKnownHosts?.value == false)
        #expect(file.credential?.value == .password(SecretText(Array("pw".utf8))))
        #expect(file.preSaveDirectory?.value == "/etc/rekkord/a")
        #expect(file.postSaveDirectory?.value == "/etc/rekkord/b")
        #expect(file.preScanDirectory?.value == "/etc/rekkord/c")
        #expect(file.postScanDirectory?.value == "/d")
        #expect(file.cacheDirectory?.value == "/etc/rekkord/cache")
        #expect(file.memorySize?.value == 1_000_000_000)
        #expect(file.metadataSize?.value == 0)
        #expect(file.blobSize?.value == 5_000_000)
        #expect(file.holdsSecret)
        #expect(
            file.warnings
                == ["/etc/rekkord/rekkord.ini:22: ConditionalWrites is ignored: support is detected"]
        )
    }

    @Test("older names and places mean the same")
    func olderNames() throws {
        let file = try load(
            """
            [S3]
            LockMode = COMPLIANCE
            Endpoint = h
            AccessKeyID = id
            [SSH]
            KeyFile = key
            [Protection]
            RetainDuration = Disabled
            DurationSafety = No
            TestWrites = 1
            """
        )
        #expect(file.retainMode?.value == .compliance)
        #expect(file.s3Address.location?.value == "h")
        #expect(file.accessKeyID?.value == "id")
        #expect(file.credential?.value == .keyFile("/etc/rekkord/key"))
        #expect(file.retainSeconds?.value == 0)
        #expect(file.durationSafety?.value == false)
        #expect(file.testWrites?.value == true)
        #expect(!file.holdsSecret)
    }

    @Test("an older place may repeat a value but not contradict it")
    func contradictions() {
        #expect(errors("[S3]\nRetainDuration = 30d\n[Protection]\nRetainDuration = 720h\n").isEmpty)
        #expect(
            errors(
                "[S3]\nRetainDuration = 30d\nKeyID = a\nAccessKeyID = b\n[Protection]\nRetainDuration = 31d\n"
            )
                == ["4: AccessKeyID contradicts line 3", "6: RetainDuration contradicts line 2"]
        )
        #expect(
            errors("[Settings]\nTestWrites = 1\n[Protection]\nTestWrites = 0\n") == [
                "4: TestWrites contradicts line 2"
            ]
        )
    }

    @Test("only one way to log in by SSH is possible")
    func credentials() {
        #expect(
            errors("[SFTP]\nPassword = x\nKey = eA==\n")
                == ["3: only one of Password, Key and KeyFile is possible, see line 2"]
        )
    }

    @Test("[Agent] and [Connect] are ignored with one warning each")
    func ignored() throws {
        let file = try load("[Agent]\nAny = 1\n[Connect]\nURL = x\n[Agent]\nMore = 2\n")
        #expect(
            file.warnings == [
                "/etc/rekkord/rekkord.ini:1: [Agent] is ignored",
                "/etc/rekkord/rekkord.ini:3: [Connect] is ignored",
            ]
        )
    }

    @Test("all errors are reported together, in the order of the file")
    func together() {
        #expect(
            errors(
                """
                [Settings]
                Threads = 0
                CompressionLevel = 13
                threads = 2
                [Nonsense]
                Any = 1
                [S3]
                Foo = 1
                RetainDuration = 5
                Port = 70000
                ChecksumType = MD5
                [SFTP]
                Fingerprint = MD5:x
                KnownHosts = maybe
                [Cache]
                BlobSize = big
                [Settings]
                Chunking = random
                [Repository]
                URL = ftp://x
                """
            ) == [
                "2: Threads: '0' is not an integer of 1 or more",
                "3: CompressionLevel: '13' is not an integer of 0 to 12",
                "4: unknown key 'threads' in [Settings]",
                "5: unknown section [Nonsense]",
                "8: unknown key 'Foo' in [S3]",
                "9: RetainDuration: '5' needs a unit: s, m, h or d",
                "10: Port: '70000' is not an integer of 1 to 65535",
                "11: ChecksumType: 'MD5' is none of None, CRC32, CRC32C, CRC64nvme, SHA1, SHA256",
                "13: Fingerprint: 'MD5:x' does not look like 'SHA256:…'",
                "14: KnownHosts: 'maybe' is neither yes nor no",
                "16: BlobSize: 'big' is not a size",
                "18: Chunking: 'random' is none of Stable, Rekkord",
                "20: URL: unknown scheme 'ftp://' in the repository URL",
            ]
        )
    }

    @Test("an unreasonable lock duration is refused unless safety is off", arguments: ["5d", "101d", "1s"])
    func durationSafety(duration: String) throws {
        do {
            _ = try load("[S3]\nRetainDuration = \(duration)\n")
            Issue.record("accepted")
        } catch let error as RekkordError {
            #expect(error.kind == .usage)
            #expect(
                error.message
                    == "/etc/rekkord/rekkord.ini:2: RetainDuration of \(duration) is outside 14d to 100d"
            )
            #expect(error.hint == "set 'DurationSafety = No' in [S3] to allow it")
        }
        let text = "[S3]\nRetainDuration = \(duration)\nDurationSafety = No\n"
        #expect(try load(text).retainSeconds?.value == DurationText.parse(duration))
    }

    @Test("the ends of the safe range and no locks are fine", arguments: ["14d", "100d", "0", "disabled"])
    func safeDurations(duration: String) throws {
        #expect(try load("[S3]\nRetainDuration = \(duration)\n").warnings.isEmpty)
    }
}
