import SystemPackage
import Testing

@testable import Core

@Suite struct RepositoryURLTests {
    private func parse(_ text: String) throws -> RepositoryURL {
        try RepositoryURL(Array(text.utf8), relativeTo: "/base")
    }

    @Test(
        "a path is local and counts from the given folder",
        arguments: [
            ("/srv/backup", "/srv/backup"), ("backup", "/base/backup"), ("../x", "/base/../x"),
            ("a:b", "/base/a:b"), ("dir/user@host:path", "/base/dir/user@host:path"), ("a@b", "/base/a@b"),
            ("/x://y", "/x:/y"), (":", "/base/:"),
        ]
    )
    func local(text: String, path: String) throws {
        #expect(try parse(text) == .location(.local(FilePath(path))))
    }

    @Test("a local path may hold any bytes")
    func localBytes() throws {
        let bytes: [UInt8] = [0x2F, 0xFF, 0x61, 0x0A]
        let url = try RepositoryURL(bytes, relativeTo: "/base")
        guard case .location(let location) = url, case .local(let path) = location else {
            Issue.record("not local")
            return
        }
        #expect(path.bytes == bytes)
        #expect(location.displayURL == "/\\xFFa\\x0A")
    }

    @Test(
        "S3 forms",
        arguments: [
            ("https://s3.example.org/b", "s3:https://s3.example.org/b"),
            ("s3:https://s3.example.org/b/", "s3:https://s3.example.org/b"),
            ("S3:HTTPS://S3.Example.org:9000/b/p//q/", "s3:https://s3.example.org:9000/b/p/q"),
            ("http://localhost:9000/bucket/prefix", "s3:http://localhost:9000/bucket/prefix"),
            ("https://[::1]:9000/b", "s3:https://[::1]:9000/b"),
            ("https://b.s3.eu-west-1.amazonaws.com/p", "s3:https://b.s3.eu-west-1.amazonaws.com/p"),
            ("https://b.s3.amazonaws.com", "s3:https://b.s3.amazonaws.com"),
        ]
    )
    func s3(text: String, shown: String) throws {
        guard case .location(let location) = try parse(text), case .s3 = location else {
            Issue.record("not S3")
            return
        }
        #expect(location.displayURL == shown)
    }

    @Test("a host with .s3. after its first label names the bucket, and the path is the prefix")
    func virtualHost() throws {
        let expected = S3Location(
            isSecure: true,
            host: "b.s3.eu-west-1.amazonaws.com",
            port: nil,
            bucket: "b",
            prefix: "p/q",
            isVirtualHost: true
        )
        #expect(try parse("https://b.s3.eu-west-1.amazonaws.com/p/q/") == .location(.s3(expected)))
        let path = S3Location(
            isSecure: false,
            host: "a.b.s3.test",
            port: 80,
            bucket: "x",
            prefix: "",
            isVirtualHost: false
        )
        #expect(try parse("http://a.b.s3.test:80/x") == .location(.s3(path)))
    }

    @Test(
        "SFTP forms",
        arguments: [
            ("ssh://u@h/p", "u", "h", nil, "p"), ("sftp://u@h:2222/p/q", "u", "h", 2222, "p/q"),
            ("ssh://u@h//srv/p", "u", "h", nil, "/srv/p"), ("u@h:p", "u", "h", nil, "p"),
            ("u@h:/srv/p", "u", "h", nil, "/srv/p"), ("SSH://u@H/p", "u", "h", nil, "p"),
        ] as [(String, String, String, Int?, String)]
    )
    func sftp(text: String, user: String, host: String, port: Int?, path: String) throws {
        let expected = SFTPLocation(user: user, host: host, port: port, path: Array(path.utf8))
        #expect(try parse(text) == .location(.sftp(expected)))
    }

    @Test("shown SFTP locations can be given again")
    func sftpShown() throws {
        for text in ["ssh://u@h/p", "ssh://u@h:2222//srv/p"] {
            guard case .location(let location) = try parse(text) else { continue }
            #expect(location.displayURL == text)
        }
    }

    @Test("the words S3 and SFTP stand for the keys of their sections")
    func words() throws {
        #expect(try parse("S3") == .s3Parts)
        #expect(try parse("SFTP") == .sftpParts)
        #expect(try parse("./S3") == .location(.local("/base/./S3")))
    }

    @Test(
        "what cannot be used is refused with a reason",
        arguments: [
            ("", "the repository URL is empty"),
            ("ftp://h/p", "unknown scheme 'ftp://' in the repository URL"),
            ("file:///srv", "unknown scheme 'file://' in the repository URL"),
            ("s3://bucket/p", "unknown scheme 's3://' in the repository URL"),
            ("s3:ssh://u@h/p", "unknown scheme 'ssh://' in the repository URL"),
            ("s3:bucket", "an S3 repository URL looks like 's3:https://host/bucket'"),
            ("https://h", "the repository URL names no bucket"),
            ("https://h/", "the repository URL names no bucket"),
            ("https:///b", "'' does not name a host"),
            ("https://h:0/b", "'0' is not an integer of 1 to 65535"),
            ("https://h:99999/b", "'99999' is not an integer of 1 to 65535"),
            ("https://h h/b", "'h h' does not name a host"),
            ("https://h/b?x=1", "the repository URL must not hold '?' or '#'"),
            ("ssh://h/p", "the repository URL names no user"),
            ("ssh://@h/p", "the repository URL names no user"),
            ("ssh://u@h", "the repository URL names no folder"),
            ("ssh://u@h/", "the repository URL names no folder"),
            ("u@h:", "the repository URL names no folder"),
        ]
    )
    func refused(text: String, reason: String) {
        #expect(throws: FormatError(reason)) { try parse(text) }
    }

    @Test(
        "a password in a URL is refused and not shown",
        arguments: [
            "https://key:hunter2@h/b", "s3:https://key:hunter2@h/b", "https://hunter2@h/b",
            "ssh://u:hunter2@h/p",
            "sftp://u:hunter2@h:22/p", "u:hunter2@h:p", "u:hunt:er2@h:p",
        ]
    )
    func passwords(text: String) {
        do {
            _ = try parse(text)
            Issue.record("accepted \(text)")
        } catch {
            let reason = (error as? FormatError)?.reason ?? ""
            #expect(reason.contains("into the repository URL"))
            #expect(!reason.contains("er2"))
        }
    }

    @Test("the default number of workers follows the storage")
    func threads() throws {
        let local = RepositoryLocation.local("/r")
        #expect(local.defaultThreadCount(cores: 2) == 4)
        #expect(local.defaultThreadCount(cores: 64) == 32)
        guard case .location(let s3) = try parse("https://h/b") else { return }
        #expect(s3.defaultThreadCount(cores: 2) == 16)
        #expect(s3.defaultThreadCount(cores: 64) == 64)
    }
}
