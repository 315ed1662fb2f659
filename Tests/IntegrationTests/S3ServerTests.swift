import Core
import SystemPackage
import TestSupport
import Testing

/// The S3 storage against servers that others wrote.
@Suite(.serialized, .enabled(if: S3Server.programs != nil, "the S3 servers cannot be installed"))
struct S3ServerTests {
    private func storage(
        _ server: S3Server,
        prefix: String = "",
        secret: String = S3Server.secretKey,
        _ change: (inout S3Settings) -> Void = { _ in }
    ) throws -> S3Storage {
        let url = "http://127.0.0.1:\(server.port)/\(S3Server.bucket)\(prefix)"
        guard case .location(.s3(let location)) = try RepositoryURL(Array(url.utf8), relativeTo: "/") else {
            throw S3ServerError("not an S3 URL: \(url)")
        }
        var settings = S3Settings()
        settings.accessKeyID = S3Server.accessKeyID
        settings.secretKey = SecretText(Array(secret.utf8))
        change(&settings)
        return try S3Storage(
            location,
            settings: settings,
            connectionCount: 8,
            isCancelled: { false },
            warn: { _ in }
        )
    }

    private func put(
        _ storage: S3Storage,
        _ name: String,
        _ bytes: [UInt8],
        _ mode: WriteMode = .create
    ) throws -> WriteOutcome {
        try bytes.withUnsafeBytes { try storage.put(name, $0, mode) }
    }

    private func names(_ storage: S3Storage, _ prefix: String) throws -> [String] {
        var names: [String] = []
        try storage.list(prefix: prefix) { names.append($0.name) }
        return names.sorted()
    }

    /// Names of ours, and what a prefix or another program may bring.
    private static let oddNames = [
        "cw", "blobs/M/00/00AA", "tags/P/a-_.~b", "tags/P/with blank", "tags/P/plus+plus", "tags/P/100%",
        "tags/P/%41", "tags/P/ä€😀", "tags/P/a=b&c?d#e", "tags/P/(a)'b'!*;:@,$[]", "tags/P/quote\"<x>",
    ]

    @Test(
        "a server that checks signatures accepts ours for odd keys and prefixes",
        arguments: ["", "/my repo+1/ü"]
    )
    func signatures(prefix: String) throws {
        let server = try S3Server(.rclone)
        let storage = try storage(server, prefix: prefix)
        for name in Self.oddNames {
            let bytes = Array(name.utf8)
            #expect(try put(storage, name, bytes, .replace) == .stored)
            #expect(try storage.get(name, limit: 100).array == bytes, "\(name)")
        }
        #expect(try names(storage, "tags/") == Self.oddNames.filter { $0.hasPrefix("tags/") }.sorted())
    }

    @Test("a wrong secret is denied with a hint")
    func wrongSecret() throws {
        let server = try S3Server(.rclone)
        let storage = try storage(server, secret: "wrong") { $0.region = "us-east-1" }
        let error = #expect(throws: RekkordError.self) { try storage.get("rekkord", limit: 100) }
        #expect(error?.kind == .denied)
        #expect(error?.message.hasPrefix("cannot read 'rekkord': access denied (403") == true)
    }

    @Test("a repository is made, found again, and not made twice")
    func repository() throws {
        let server = try S3Server(.moto)
        let storage = try storage(server, prefix: "/one")
        let keys = KeyFile.generateMaster().keys
        let missing = #expect(throws: RekkordError.self) { try Repository.open(storage, keys: keys) }
        #expect(missing?.kind == .notInitialized)
        let made = try Repository.create(storage, keys: keys)
        let opened = try Repository.open(storage, keys: keys)
        #expect(opened.repositoryID == made.repositoryID)
        #expect(try opened.probeConditionalWrites())
        let again = #expect(throws: RekkordError.self) { try Repository.create(storage, keys: keys) }
        #expect(again?.kind == .exists)
        try opened.changeCacheID()
        #expect(try Repository.open(storage, keys: keys).cacheID != made.cacheID)
        let other = #expect(throws: RekkordError.self) {
            try Repository.open(storage, keys: KeyFile.generateMaster().keys)
        }
        #expect(other?.kind == .key)
    }

    @Test("conditional writes keep what is there")
    func conditions() throws {
        let server = try S3Server(.moto)
        let storage = try storage(server)
        #expect(try put(storage, "blobs/x", [1]) == .stored)
        #expect(try put(storage, "blobs/x", [2]) == .exists)
        #expect(try storage.get("blobs/x", limit: 10).array == [1])
        #expect(try put(storage, "blobs/x", [3], .replace) == .stored)
        #expect(try storage.get("blobs/x", limit: 10).array == [3])
        let missing = #expect(throws: RekkordError.self) { try storage.get("blobs/y", limit: 10) }
        #expect(missing?.kind == .missing)
    }

    @Test("checksums are the ones that another program computes", arguments: S3Settings.ChecksumType.allCases)
    func checksums(type: S3Settings.ChecksumType) throws {
        let server = try S3Server(.moto)
        let storage = try storage(server) { $0.checksumType = type }
        var random = SeededRandom(7)
        let bytes = random.bytes(100_003)
        #expect(try put(storage, "blobs/x", bytes) == .stored)
        #expect(try storage.get("blobs/x", limit: bytes.count).array == bytes)
    }

    @Test("objects are locked when written and later, and the answers show it")
    func locks() throws {
        let server = try S3Server(.moto)
        let storage = try storage(server) { $0.retainSeconds = 30 * 86400 }
        _ = try put(storage, "blobs/x", [1, 2])
        _ = try put(storage, "cw", [])
        let shown =
            "h = s3.head_object(Bucket='bucket', Key='%'); print(h.get('ObjectLockMode'), "
            + "h.get('ObjectLockRetainUntilDate'))"
        #expect(try server.client(shown.replacing("%", with: "blobs/x")).hasPrefix("GOVERNANCE 20"))
        #expect(try server.client(shown.replacing("%", with: "cw")) == "None None")
        let object = try storage.read("blobs/x", limit: 10, isAgain: false)
        let lock = try #require(object.state.lock)
        #expect(lock.mode == .governance)
        let longer = ObjectLock(
            mode: .governance,
            until: Timestamp(milliseconds: lock.until.milliseconds + 86_400_000)
        )
        try storage.extendLock("blobs/x", versionID: object.state.versionID, to: longer)
        #expect(try storage.state(of: "blobs/x", byteCount: 2).lock == longer)
    }

    @Test("listings go over many pages; a batch sends side by side and tells what was there")
    func batch() throws {
        let server = try S3Server(.moto)
        let storage = try storage(server, prefix: "/p")
        _ = try put(storage, "blobs/0", [0])
        let batch = try storage.makeBatch()
        let outcomes = Locked<[WriteOutcome?]>([])
        let count = 1100
        for index in 0..<count {
            [UInt8(index % 256)].withUnsafeBytes { bytes in
                batch.put("blobs/\(index)", bytes) { result in
                    outcomes.withLock { $0.append(try? result.get()) }
                }
            }
        }
        try batch.flush()
        #expect(outcomes.withLock { $0.count } == count)
        #expect(outcomes.withLock { $0.filter { $0 == .exists }.count } == 1)
        #expect(try names(storage, "blobs/").count == count)
        #expect(try names(storage, "tags/").isEmpty)
    }

    @Test("the program makes, fills and lists a repository with locks")
    func program() throws {
        let server = try S3Server(.moto)
        let folder = try TemporaryDirectory()
        try folder.write("data/notes.txt", "content of the notes")
        try folder.write(
            "rekkord.ini",
            """
            [Repository]
            URL = http://127.0.0.1:\(server.port)/\(S3Server.bucket)/machines
            KeyFile = master.key
            [S3]
            RetainDuration = 30d # 30 days
            RetainMode = GOVERNANCE # Optional, defaults to GOVERNANCE
            """
        )
        var program = Program(in: folder.path)
        program.environment = [
            "REKKORD_CONFIG_FILE": folder["rekkord.ini"].string,
            "AWS_ACCESS_KEY_ID": S3Server.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": S3Server.secretKey,
        ]
        let made = try program.run("init", "-g")
        #expect(made.status == 0, "\(made.error)")
        for _ in 0..<2 {
            let saved = try program.run("save", "web", folder["data"].string)
            #expect(saved.status == 0, "\(saved.error)")
        }
        let snapshots = try program.run("snapshots", "--format", "JSON")
        #expect(snapshots.output.split(separator: "\"channel\"").count == 3, "\(snapshots.error)")
        let tree = try program.run("list", "-r", "web")
        #expect(tree.output.contains("notes.txt"), "\(tree.error)")
        let locked = try server.client(
            """
            for o in s3.list_objects_v2(Bucket='\(S3Server.bucket)')['Contents']:
                h = s3.head_object(Bucket='\(S3Server.bucket)', Key=o['Key'])
                if 'ObjectLockMode' not in h: print(o['Key'])
            """
        )
        #expect(locked == "machines/cw")

        program.environment["AWS_SECRET_ACCESS_KEY"] = nil
        let refused = try program.run("snapshots")
        #expect(refused.status == 64)
        #expect(refused.error.contains("no S3 secret key is set"))
    }
}
