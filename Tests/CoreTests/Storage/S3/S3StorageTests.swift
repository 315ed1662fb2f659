@testable import Core
import TestSupport
import Testing

@Suite struct S3StorageTests {
    typealias Reply = ScriptedTransport.Reply

    /// What a storage asked of the world beside requests.
    private final class Notes: Sendable {
        let pauses = Locked<[Int]>([])
        let warnings = Locked<[String]>([])
    }

    /// A storage that gets these replies, in January 2026.
    private struct Bench {
        let transport: ScriptedTransport
        let storage: S3Storage
        let notes = Notes()

        init(
            _ replies: [Reply],
            address: String = "h/b/p",
            isCancelled: Bool = false,
            _ change: (inout S3Settings) -> Void = { _ in }
        ) throws {
            transport = ScriptedTransport(replies)
            var settings = S3Settings()
            settings.accessKeyID = "ID"
            settings.secretKey = SecretText([1, 2, 3])
            settings.region = "here"
            change(&settings)
            storage = try S3Storage(
                try RepositoryURL.s3(address[...], isSecure: true),
                settings: settings,
                connectionCount: 4,
                surroundings: S3Client.Surroundings(
                    transport: transport,
                    now: { Timestamp(milliseconds: 1_767_619_231_000) },
                    pause: { [notes] milliseconds in notes.pauses.withLock { $0.append(milliseconds) } },
                    random: { .max },
                    isCancelled: { isCancelled }
                ),
                warn: { [notes] warning in notes.warnings.withLock { $0.append(warning) } }
            )
        }

        func put(
            _ name: String,
            _ text: String = "x",
            _ mode: WriteMode = .create
        ) throws(RekkordError) -> WriteOutcome {
            try Array(text.utf8).withRawBytes { (bytes) throws(RekkordError) in
                try storage.put(name, bytes, mode)
            }
        }

        func list() throws -> [String] {
            var names: [String] = []
            try storage.list(prefix: "tags/") { names.append($0.name) }
            return names
        }

        func initialize() throws(RekkordError) {
            try storage.initialize([
                NewObject(name: "cw", bytes: []), NewObject(name: "rekkord", bytes: Array("config".utf8)),
            ])
        }

        /// The requests as `METHOD path?query`.
        var requests: [String] {
            transport.sent.map { "\($0.method) \($0.url.dropFirst("https://h".count))" }
        }
    }

    private static func page(_ keys: [String], next: String? = nil) -> Reply {
        let contents = keys.map { "<Contents><Key>p/\($0)</Key><Size>0</Size></Contents>" }.joined()
        let more = next.map {
            "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>"
        }
        return .answer(200, body: "<ListBucketResult>\(more ?? "")\(contents)</ListBucketResult>")
    }

    private static let lost = Reply.failure(.cutOff)
    private static let taken = Reply.error(412, "PreconditionFailed")

    // MARK: Headers

    @Test(
        "a conditional PUT carries condition, checksum and storage class, all signed; no lock without retention"
    )
    func plainPut() throws {
        let bench = try Bench([.ok])
        #expect(try bench.put("blobs/M/00/00", "123456789") == .stored)
        let sent = try #require(bench.transport.sent.first)
        #expect(bench.requests == ["PUT /b/p/blobs/M/00/00"])
        #expect(sent.body == Array("123456789".utf8))
        #expect(sent.headers["if-none-match"] == "*")
        #expect(sent.headers["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg=")
        #expect(sent.headers["x-amz-sdk-checksum-algorithm"] == "CRC64NVME")
        #expect(sent.headers["x-amz-storage-class"] == "STANDARD")
        #expect(sent.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD")
        #expect(sent.headers["x-amz-date"] == "20260105T132031Z")
        let signed =
            "SignedHeaders=host;if-none-match;x-amz-checksum-crc64nvme;x-amz-content-sha256;x-amz-date;"
            + "x-amz-sdk-checksum-algorithm;x-amz-storage-class,"
        #expect(sent.headers["authorization"]?.contains(signed) == true)
        #expect(!sent.headers.keys.contains { $0.hasPrefix("x-amz-object-lock") })
    }

    @Test(
        "with retention all but the probe is locked",
        arguments: ["blobs/R/00/00", "tags/P/x", "keys/AA", "rekkord", "cw"]
    )
    func locks(name: String) throws {
        let bench = try Bench([.ok]) { $0.retainSeconds = 30 * 86400 }
        _ = try bench.put(name, "", name == "rekkord" ? .replace : .create)
        let headers = try #require(bench.transport.sent.first).headers
        let isLocked = name != "cw"
        #expect(headers["x-amz-object-lock-mode"] == (isLocked ? "GOVERNANCE" : nil))
        #expect(headers["x-amz-object-lock-retain-until-date"] == (isLocked ? "2026-02-04T13:20:31Z" : nil))
        #expect(headers["x-amz-checksum-crc64nvme"] != nil)
        #expect(headers["if-none-match"] == (name == "rekkord" ? nil : "*"))
    }

    @Test("without checksums a lock still brings MD5")
    func checksumOfLocks() throws {
        let bench = try Bench([.ok, .ok]) {
            $0.retainSeconds = 86400
            $0.checksumType = .none
        }
        _ = try bench.put("cw", "")
        _ = try bench.put("keys/A", "")
        #expect(bench.transport.sent.map { $0.headers["content-md5"] } == [nil, "1B2M2Y8AsgTpgAmY7PhCfg=="])
    }

    @Test("a lock is extended on the version that was verified")
    func extended() throws {
        let bench = try Bench([.ok, .error(403, "AccessDenied")])
        let lock = ObjectLock(mode: .compliance, until: Timestamp(milliseconds: 1_893_456_000_999))
        try bench.storage.extendLock("tags/P/x", versionID: "v/1+", to: lock)
        let sent = try #require(bench.transport.sent.first)
        #expect(bench.requests == ["PUT /b/p/tags/P/x?retention&versionId=v%2F1%2B"])
        #expect(
            String(decoding: sent.body, as: UTF8.self)
                == "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode>"
                + "<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>"
        )
        #expect(sent.headers["x-amz-checksum-crc64nvme"] != nil)
        #expect(!sent.headers.keys.contains { $0.contains("bypass") })
        let error = #expect(throws: RekkordError.self) {
            try bench.storage.extendLock("tags/P/x", versionID: nil, to: lock)
        }
        #expect(error?.message == "cannot extend the lock of 'tags/P/x': access denied")
        #expect(error?.hint == "it may be longer already; allow s3:GetObjectRetention")
    }

    @Test("answers tell entity tag, version and lock")
    func state() throws {
        let headers = [
            "etag": "\"abc\"", "x-amz-version-id": "v1", "x-amz-object-lock-mode": "GOVERNANCE",
            "x-amz-object-lock-retain-until-date": "2026-02-04T13:20:31.000Z",
        ]
        let bench = try Bench([
            .answer(200, headers: headers, body: "body"), .answer(206, headers: headers, body: "b"),
            .answer(200, headers: ["x-amz-version-id": "null"]),
        ])
        let object = try bench.storage.read("blobs/x", limit: 4, isAgain: true)
        #expect(object.bytes.array == Array("body".utf8))
        #expect(object.state.entityTag == "abc")
        #expect(object.state.versionID == "v1")
        #expect(object.state.lock?.until.milliseconds == 1_770_211_231_000)
        #expect(try bench.storage.state(of: "blobs/x", byteCount: 4) == object.state)
        let unversioned = try bench.storage.state(of: "tags/x", byteCount: 0)
        #expect(unversioned.versionID == nil)
        #expect(unversioned.lock == nil)
        #expect(bench.transport.sent.map { $0.headers["range"] } == [nil, "bytes=0-0", nil])
        #expect(bench.transport.sent[0].needsNewConnection)
    }

    // MARK: Retries

    @Test("what may pass is tried again on new connections, up to ten times, with growing pauses")
    func retries() throws {
        let bench = try Bench(Array(repeating: .error(503, "SlowDown"), count: 20))
        let error = #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        #expect(error?.kind == .storage)
        #expect(error?.message == "cannot read 'rekkord': server error (503 SlowDown) after 10 attempts")
        #expect(bench.transport.sent.map(\.needsNewConnection) == [false] + Array(repeating: true, count: 9))
        let pauses = bench.notes.pauses.withLock { $0 }
        #expect(pauses.count == 9)
        for (attempt, pause) in pauses.enumerated() { #expect(pause <= min(10_000, 100 << attempt)) }
    }

    @Test(
        "each passing failure is followed by another attempt",
        arguments: [
            .failure(.notSent), .failure(.cutOff), .answer(500), .error(502, "X"), .error(504, "X"),
            .error(409, "ConditionalRequestConflict"), .error(429, "X"), .error(400, "BadDigest"),
            .error(400, "RequestTimeout"), .error(307, "TemporaryRedirect"),
        ] as [Reply]
    )
    func passing(reply: Reply) throws {
        let bench = try Bench([reply, .ok])
        #expect(try bench.put("blobs/x") == .stored)
        #expect(bench.transport.leftCount == 0)
    }

    @Test("Retry-After is honoured, as seconds or date, within reason")
    func retryAfter() throws {
        let values = ["3", "Mon, 05 Jan 2026 13:20:36 GMT", "86400", "soon"]
        let replies = values.map { Reply.answer(503, headers: ["retry-after": $0]) }
        let bench = try Bench(replies + [.ok])
        #expect(try bench.put("blobs/x") == .stored)
        let pauses = bench.notes.pauses.withLock { $0 }
        for (pause, least) in zip(pauses, [3000, 5000, 60_000, 0]) {
            #expect((least...least + 1000).contains(pause))
        }
    }

    @Test("no certificate, no second attempt")
    func refused() throws {
        let bench = try Bench([.failure(.untrusted)])
        let error = #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        #expect(error?.message == "cannot read 'rekkord': made up")
        #expect(error?.hint?.contains("SSL_CERT_FILE") == true)
        #expect(bench.transport.sent.count == 1)
    }

    @Test("work that was given up sends nothing more")
    func cancelled() throws {
        let bench = try Bench([Self.lost, .ok], isCancelled: true)
        let error = #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        #expect(error?.kind == .interrupted)
        #expect(bench.transport.sent.count == 1)
    }

    @Test("an object over the limit is asked for twice")
    func tooLarge() throws {
        let bench = try Bench([.answer(200, body: "1234"), .answer(200, body: "123")])
        #expect(try bench.storage.get("x", limit: 3).count == 3)
        let again = try Bench([.answer(200, body: "1234"), .answer(200, body: "1234")])
        let error = #expect(throws: RekkordError.self) { try again.storage.get("x", limit: 3) }
        #expect(error?.kind == .corrupted)
        #expect(again.transport.leftCount == 0)
    }

    // MARK: Conditional writes

    @Test("412 says that there is an object; after a lost answer it is our own")
    func conditions() throws {
        func outcome(_ replies: [Reply]) throws -> WriteOutcome { try Bench(replies).put("tags/P/x") }
        #expect(try outcome([Self.taken]) == .exists)
        #expect(try outcome([.failure(.notSent), Self.taken]) == .exists)
        #expect(try outcome([.error(409, "ConditionalRequestConflict"), Self.taken]) == .exists)
        #expect(try outcome([Self.lost, Self.taken]) == .stored)
        #expect(try outcome([.answer(500), Self.taken]) == .stored)
        #expect(try outcome([.answer(412, wasRepeated: true)]) == .stored)
        // The probe asks whether something is kept, whoever wrote it.
        #expect(try Bench([Self.lost, Self.taken]).put("cw", "") == .exists)
    }

    @Test("a server that knows no conditions is told none from then on")
    func noConditions() throws {
        let bench = try Bench([.error(501, "NotImplemented"), .ok, .ok])
        #expect(try bench.put("blobs/x", "1") == .stored)
        #expect(try bench.put("blobs/y", "1") == .stored)
        #expect(bench.transport.sent.map { $0.headers["if-none-match"] } == ["*", nil, nil])
    }

    @Test("the probe for conditions is not written where they are refused")
    func refusedProbe() throws {
        let bench = try Bench([.error(501, "NotImplemented")])
        for _ in 0..<2 { #expect(try bench.put("cw", "") == .stored) }
        #expect(bench.transport.sent.count == 1)
    }

    @Test("a 200 of somebody who stores nothing is no success")
    func strangers() throws {
        let bench = try Bench([.stranger, .ok, .stranger, .answer(200, body: "config")])
        #expect(try bench.put("tags/P/x") == .stored)
        #expect(try bench.storage.get("rekkord", limit: 100).array == Array("config".utf8))
        let never = try Bench(Array(repeating: .stranger, count: 10))
        let error = #expect(throws: RekkordError.self) { try never.put("tags/P/x") }
        #expect(error?.message == "cannot write 'tags/P/x': the answer names no object after 10 attempts")
        let lock = ObjectLock(mode: .governance, until: Timestamp(milliseconds: 0))
        let extended = try Bench([.stranger, .answer(200)])
        try extended.storage.extendLock("tags/P/x", versionID: nil, to: lock)
        #expect(extended.transport.leftCount == 0)
    }

    // MARK: Listing

    @Test("a listing turns all pages, and asks again for one that is damaged")
    func pages() throws {
        let bench = try Bench([
            Self.page(["tags/a", "other"], next: "t/1"), .answer(200, body: "<html>"),
            Self.page(["tags/b"]),
        ])
        #expect(try bench.list() == ["tags/a", "tags/b"])
        let first = "GET /b?encoding-type=url&list-type=2&prefix=p%2Ftags%2F"
        let second = "GET /b?continuation-token=t%2F1&encoding-type=url&list-type=2&prefix=p%2Ftags%2F"
        #expect(bench.requests == [first, second, second])
    }

    @Test("a listing that goes round in circles or never is one ends")
    func badListings() throws {
        for tokens in ["t", "tt", "tuvt", "tut"] {
            let circle = try Bench((tokens.map(String.init) + ["t"]).map { Self.page([], next: $0) })
            let error = #expect(throws: RekkordError.self) { try circle.list() }
            #expect(error?.message == "cannot list 'tags/': the listing does not advance")
        }
        let empty = try Bench((0..<2000).map { Self.page([], next: "t\($0)") })
        let error = #expect(throws: RekkordError.self) { try empty.list() }
        #expect(error?.message == "cannot list 'tags/': the listing does not advance")
        #expect(empty.transport.leftCount == 999)
        let cutOff = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"
        for (body, reason) in [("{}", "not XML"), (cutOff, "the listing is cut off")] {
            let garbage = try Bench(Array(repeating: .answer(200, body: body), count: 10))
            let other = #expect(throws: RekkordError.self) { try garbage.list() }
            #expect(other?.message == "cannot list 'tags/': \(reason) after 10 attempts")
            #expect(garbage.transport.leftCount == 0)
        }
    }

    // MARK: Messages

    @Test(
        "refusals become the documented messages",
        arguments: [
            (.error(403, "AccessDenied"), "access denied (403 AccessDenied)", .denied),
            (.answer(403), "access denied (403)", .denied),
            (.error(404, "NoSuchKey"), "no such object (404 NoSuchKey)", .missing),
            (.error(404, "NoSuchBucket"), "no such bucket (404 NoSuchBucket)", .missing),
            (.answer(404, body: "<html>"), "request refused (404)", .storage),
            (
                .error(301, "PermanentRedirect"), "the server refers to another one (301 PermanentRedirect)",
                .storage
            ),
            (.answer(204), "request refused (204)", .storage),
        ] as [(Reply, String, RekkordError.Kind)]
    )
    func readErrors(reply: Reply, reason: String, kind: RekkordError.Kind) throws {
        let bench = try Bench([reply])
        let error = #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        #expect(error?.message == "cannot read 'rekkord': \(reason)")
        #expect(error?.kind == kind)
    }

    @Test("a refused lock names Object Lock")
    func refusedLock() throws {
        let bench = try Bench([.error(400, "InvalidRequest"), .error(403, "AccessDenied")]) {
            $0.retainSeconds = 86400
        }
        let error = #expect(throws: RekkordError.self) { try bench.put("blobs/x") }
        #expect(error?.message == "cannot write 'blobs/x': object lock refused (400 InvalidRequest)")
        #expect(error?.hint == "enable Object Lock on the bucket, or remove RetainDuration")
        let denied = #expect(throws: RekkordError.self) { try bench.put("blobs/x") }
        #expect(denied?.hint == "allow s3:PutObject and s3:PutObjectRetention")
    }

    @Test("missing credentials are a usage error that names them")
    func credentials() {
        let error = #expect(throws: RekkordError.self) { try Bench([]) { $0.secretKey = nil } }
        #expect(error?.kind == .usage)
        #expect(error?.message == "cannot open repository 's3:https://h/b/p': no S3 secret key is set")
    }

    // MARK: Region

    @Test("a named region is kept, whatever the server says")
    func namedRegion() throws {
        let bench = try Bench([.error(400, "AuthorizationHeaderMalformed", region: "there")])
        #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        #expect(bench.transport.sent.map(\.region) == ["here"])
    }

    @Test("an unknown region is corrected once from the first answer, by document or header")
    func corrected() throws {
        for reply in [
            Reply.error(400, "AuthorizationHeaderMalformed", region: "there"),
            .answer(301, headers: ["x-amz-bucket-region": "there"]),
        ] {
            let bench = try Bench([reply, .ok, .ok]) { $0.region = nil }
            _ = try bench.storage.get("rekkord", limit: 9)
            _ = try bench.storage.get("rekkord", limit: 9)
            #expect(bench.transport.sent.map(\.region) == ["us-east-1", "there", "there"])
        }
    }

    @Test("where the answer names no region, the bucket is asked once without credentials")
    func asked() throws {
        let bench = try Bench([
            .error(403, "SignatureDoesNotMatch"), .error(403, "AccessDenied", region: "there"), .ok,
            .error(403, "SignatureDoesNotMatch"),
        ]) { $0.region = nil }
        _ = try bench.storage.get("rekkord", limit: 9)
        let error = #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        #expect(error?.hint == "check SecretKey in [S3]")
        #expect(bench.transport.sent.map(\.region) == ["us-east-1", nil, "there", "there"])
        #expect(bench.requests[1] == "GET /b")
    }

    @Test("a region that nobody can name stays, and nothing more is asked")
    func unknownRegion() throws {
        let bench = try Bench([.error(403, "SignatureDoesNotMatch"), .answer(500), .ok]) { $0.region = nil }
        #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        _ = try bench.storage.get("rekkord", limit: 9)
        #expect(bench.transport.sent.map(\.region) == ["us-east-1", nil, "us-east-1"])
    }

    @Test("a good first answer settles the region")
    func settled() throws {
        let bench = try Bench([.error(404, "NoSuchKey"), .error(403, "SignatureDoesNotMatch")]) {
            $0.region = nil
        }
        for _ in 0..<2 {
            #expect(throws: RekkordError.self) { try bench.storage.get("rekkord", limit: 9) }
        }
        #expect(bench.transport.sent.count == 2)
    }

    // MARK: Initialisation

    private static let absent = Reply.error(404, "NoSuchKey")
    private static let denied = Reply.error(403, "AccessDenied")

    @Test("a new repository is the probe first and the config object last, both conditional")
    func initialize() throws {
        let bench = try Bench([Self.absent, Self.page([]), .ok, Self.taken, .ok])
        try bench.initialize()
        let puts = ["PUT /b/p/cw", "PUT /b/p/cw", "PUT /b/p/rekkord"]
        let list = "GET /b?encoding-type=url&list-type=2&prefix=p%2F&max-keys=1"
        #expect(bench.requests == ["GET /b/p/rekkord", list] + puts)
        #expect(bench.transport.sent.suffix(3).allSatisfy { $0.headers["if-none-match"] == "*" })
    }

    @Test("what a failed attempt left is no obstacle; anything else is")
    func occupied() throws {
        try Bench([Self.absent, Self.page(["cw"]), Self.taken, .ok]).initialize()
        for replies in [
            [.answer(200, body: "config")], [Self.absent, Self.page(["blobs/x"])],
            [Self.absent, Self.page(["cw"], next: "t")],
            [Self.denied, Self.page([]), Self.taken, Self.taken],
        ] as [[Reply]] {
            let bench = try Bench(replies)
            let error = #expect(throws: RekkordError.self) { try bench.initialize() }
            #expect(error?.kind == .exists)
            #expect(bench.transport.leftCount == 0)
        }
    }

    @Test("a refused listing only warns, unless nothing else proves that the place is free")
    func refusedListing() throws {
        let known = try Bench([Self.denied, Self.denied, Self.taken, .ok])
        try known.initialize()
        #expect(
            known.notes.warnings.withLock { $0 } == [
                "cannot list the repository: access denied (403 AccessDenied)"
            ]
        )
        try Bench([Self.absent, Self.denied, .ok, .ok, .ok]).initialize()
        let unconditional = try Bench([
            Self.absent, Self.denied, .error(501, "NotImplemented"), .ok, .ok,
        ])
        try unconditional.initialize()
        #expect(unconditional.requests.suffix(2) == ["PUT /b/p/cw", "PUT /b/p/rekkord"])
        let blind = try Bench([Self.denied, Self.denied, .ok, .ok])
        let error = #expect(throws: RekkordError.self) { try blind.initialize() }
        #expect(error?.kind == .exists)
        #expect(!blind.requests.contains("PUT /b/p/rekkord"))
    }

    @Test("after a lost answer the config object must be our own")
    func lostInitialization() throws {
        let start = [Self.absent, Self.page([]), Self.taken, Self.lost, Self.taken]
        try Bench(start + [.answer(200, body: "config")]).initialize()
        let error = #expect(throws: RekkordError.self) {
            try Bench(start + [.answer(200, body: "CONFIG")]).initialize()
        }
        #expect(error?.message == "cannot initialise 's3:https://h/b/p': already initialised")
    }

    @Test("a missing bucket is named")
    func noBucket() throws {
        let bench = try Bench([.error(404, "NoSuchBucket")])
        let error = #expect(throws: RekkordError.self) { try bench.initialize() }
        #expect(error?.message == "cannot initialise 's3:https://h/b/p': no such bucket (404 NoSuchBucket)")
    }
}
