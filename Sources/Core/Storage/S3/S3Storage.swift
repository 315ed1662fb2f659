internal import Synchronization

/// Keeps objects in a bucket of an S3 service.
///
/// Sends GET, PUT, LIST and `?retention` and nothing else; each object is one PUT.
/// - Source: format.md, sections 2 and 12; commands.md, sections 7 to 9.
public final class S3Storage: Storage {
    /// Some stores give pages without objects where there are many delete markers.
    private static let maxEmptyPageCount = 1000
    /// A bucket.
    public let kind = StorageKind.s3
    /// The URL without credentials.
    public let displayURL: String
    /// The lock that new objects get.
    public let retention: ObjectRetention?

    let client: S3Client
    let warn: @Sendable (String) -> Void
    /// How many objects a batch sends at the same time.
    let connectionCount: Int
    private let checksumType: S3Settings.ChecksumType
    /// Whether the server said that it knows no conditional writes.
    let knowsNoConditions = Atomic(false)

    /// Names the place; nothing is asked of it yet.
    ///
    /// - Parameters:
    ///   - connectionCount: How many objects a batch sends at the same time.
    ///   - isCancelled: Whether to give up; asked about once a second while a request runs.
    ///   - warn: Takes what a user should know though the work goes on.
    /// - Throws: `.usage` without credentials.
    public convenience init(
        _ location: S3Location,
        settings: S3Settings,
        connectionCount: Int,
        isCancelled: @escaping @Sendable () -> Bool,
        warn: @escaping @Sendable (String) -> Void
    ) throws(RekkordError) {
        try self.init(
            location,
            settings: settings,
            connectionCount: connectionCount,
            surroundings: .init(certificateFile: settings.certificateFile, isCancelled: isCancelled),
            warn: warn
        )
    }

    init(
        _ location: S3Location,
        settings: S3Settings,
        connectionCount: Int = 1,
        policy: RetryPolicy = RetryPolicy(),
        surroundings: S3Client.Surroundings,
        warn: @escaping @Sendable (String) -> Void
    ) throws(RekkordError) {
        displayURL = location.displayURL
        guard let accessKeyID = settings.accessKeyID, let secretKey = settings.secretKey else {
            let what = settings.accessKeyID == nil ? "access key" : "secret key"
            throw RekkordError(
                .usage,
                "cannot open repository '\(location.displayURL)': no S3 \(what) is set",
                hint: "set KeyID and SecretKey in [S3], or S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY"
            )
        }
        client = S3Client(
            S3Endpoint(location),
            region: settings.region,
            accessKeyID: accessKeyID,
            secretKey: secretKey,
            policy: policy,
            surroundings: surroundings
        )
        self.connectionCount = max(1, connectionCount)
        self.warn = warn
        checksumType = settings.checksumType
        retention =
            settings.retainSeconds > 0
            ? ObjectRetention(mode: settings.retainMode, seconds: settings.retainSeconds) : nil
    }

    // MARK: Reading

    /// Sends a GET; see `Storage`.
    public func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
        try read(name, limit: limit, isAgain: false).bytes
    }

    /// Sends a GET; see `Storage`.
    public func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject {
        let action = S3Action(.read, name)
        var request = S3Client.Request(key: client.endpoint.key(of: name), limit: limit)
        request.needsNewConnection = isAgain
        let answer = try send(request, action, Self.checkNamed)
        guard answer.status == 200 else { throw action.error(answer) }
        return ReadObject(bytes: answer.response.body, state: ObjectState(answer.response))
    }

    // MARK: Writing

    /// Sends a PUT; see `Storage`.
    public func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ mode: WriteMode
    ) throws(RekkordError) -> WriteOutcome {
        try write(name, bytes, mode).outcome
    }

    /// Sends a PUT.
    ///
    /// - Returns: Also whether a "stored" may be an object of somebody else, because an answer was lost.
    func write(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ mode: WriteMode
    ) throws(RekkordError) -> (outcome: WriteOutcome, isGuessed: Bool) {
        let isProbe = name == ReservedName.conditionalWriteProbe
        let isConditional = mode == .create && !knowsNoConditions.load(ordering: .relaxed)
        // What the probe asks is answered for good; writing it over itself would tell nothing.
        if isProbe, mode == .create, !isConditional { return (.stored, isGuessed: false) }
        let isLocked = retention != nil && !isProbe
        let action = S3Action(.write, name, isLocked: isLocked)
        var request = S3Client.Request(method: "PUT", key: client.endpoint.key(of: name), body: bytes)
        request.headers = [("x-amz-storage-class", "STANDARD")]
        if isLocked, let retention { request.headers += lockHeaders(retention) }
        request.headers += Checksum.headers(checksumType, of: bytes, isLocked: isLocked)
        if isConditional { request.headers.append(("if-none-match", "*")) }
        let answer = try send(request, action, Self.checkNamed)
        switch answer.status {
        case 200, 201, 204:
            return (.stored, isGuessed: false)
        case 412 where isConditional:
            // After a lost answer it is most likely our own object that is in the way; the probe only asks whether any is.
            return answer.mayHaveActedBefore && !isProbe
                ? (.stored, isGuessed: true) : (.exists, isGuessed: false)
        case 501 where isConditional:
            knowsNoConditions.store(true, ordering: .relaxed)
            return try write(name, bytes, mode)
        default:
            throw action.error(answer)
        }
    }

    /// Whoever keeps objects names them by entity tags; a proxy in the way may say 200 too, and keeps nothing.
    private static func checkNamed(_ answer: S3Client.Answer) throws(FormatError) -> S3Client.Answer {
        if (200..<300).contains(answer.status), answer.response.headers["etag"] == nil {
            throw FormatError("the answer names no object")
        }
        return answer
    }

    private func lockHeaders(_ retention: ObjectRetention) -> [(name: String, value: String)] {
        let until = Timestamp(milliseconds: client.now.milliseconds + retention.seconds * 1000)
        return [
            ("x-amz-object-lock-mode", retention.mode.rawValue),
            ("x-amz-object-lock-retain-until-date", CalendarTime.utcSeconds(until)),
        ]
    }

    /// Starts a group of uploads; each object is durable as soon as its PUT is answered.
    public func makeBatch() throws(RekkordError) -> any WriteBatch {
        S3WriteBatch(self, connectionCount: connectionCount)
    }

    // MARK: Listing

    /// Sends a LIST for each 1000 objects; see `Storage`.
    public func list(
        prefix: String,
        _ body: (StoredObject) throws(RekkordError) -> Void
    ) throws(RekkordError) {
        var token: String?
        var seen: Set<String> = []
        var emptyCount = 0
        repeat {
            let page = try listPage(prefix: prefix, token: token)
            for object in page.objects where object.name.hasPrefix(prefix) {
                var stored = StoredObject(name: object.name, byteCount: object.byteCount)
                stored.entityTag = object.entityTag
                try body(stored)
            }
            let next = page.isTruncated ? page.nextToken : nil
            // A server that goes round in circles must not keep us for ever.
            emptyCount = page.objects.isEmpty ? emptyCount + 1 : 0
            if let next, !seen.insert(next).inserted || emptyCount > Self.maxEmptyPageCount {
                throw RekkordError(.storage, S3Action(.list, prefix).message("the listing does not advance"))
            }
            token = next
        } while token != nil
    }

    /// Sends one LIST.
    ///
    /// - Parameter count: How many objects are wanted at most; nil leaves it to the server.
    func listPage(prefix: String, token: String? = nil, count: Int? = nil) throws(RekkordError) -> S3Listing {
        let action = S3Action(.list, prefix)
        var request = S3Client.Request(key: "")
        if let token { request.query.append(("continuation-token", token)) }
        request.query += [
            ("encoding-type", "url"), ("list-type", "2"), ("prefix", client.endpoint.key(of: prefix)),
        ]
        if let count { request.query.append(("max-keys", String(count))) }
        let keyPrefix = client.endpoint.key(of: "")
        let result = try send(request, action) {
            (answer) throws(FormatError) -> Result<S3Listing, RekkordError> in
            guard answer.status == 200 else { return .failure(action.error(answer)) }
            let page = try answer.response.body.withBytes { (bytes) throws(FormatError) in
                try S3Listing(bytes, prefix: keyPrefix)
            }
            if count == nil, page.isTruncated, page.nextToken == nil {
                throw FormatError("the listing is cut off")
            }
            return .success(page)
        }
        return try result.get()
    }

    // MARK: Locks

    /// Sends a PUT of `?retention`; see `Storage`.
    public func extendLock(
        _ name: String,
        versionID: String?,
        to lock: ObjectLock
    ) throws(RekkordError) {
        let body = Array(
            """
            <Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>\(lock.mode.rawValue)</Mode>\
            <RetainUntilDate>\(CalendarTime.utcSeconds(lock.until))</RetainUntilDate></Retention>
            """.utf8
        )
        let action = S3Action(.extendLock, name, isLocked: true)
        let answer = try body.withRawBytes { (bytes) throws(RekkordError) in
            var request = S3Client.Request(method: "PUT", key: client.endpoint.key(of: name), body: bytes)
            request.query = [("retention", nil)]
            if let versionID { request.query.append(("versionId", versionID)) }
            request.headers += Checksum.headers(checksumType, of: bytes, isLocked: true)
            return try send(request, action, Self.checkLocked)
        }
        guard answer.status == 200 || answer.status == 204 else { throw action.error(answer) }
    }

    /// The answer to a lock that was set is empty.
    private static func checkLocked(_ answer: S3Client.Answer) throws(FormatError) -> S3Client.Answer {
        if (200..<300).contains(answer.status), answer.response.body.count > 0 {
            throw FormatError("the answer is not that of a lock")
        }
        return answer
    }

    /// Sends a GET of the first byte; see `Storage`.
    public func state(of name: String, byteCount: Int) throws(RekkordError) -> ObjectState {
        let action = S3Action(.read, name)
        var request = S3Client.Request(key: client.endpoint.key(of: name))
        // A server may ignore the range; it cannot grant one of an empty object.
        request.limit = max(byteCount, 1)
        if byteCount > 0 { request.headers.append(("range", "bytes=0-0")) }
        let answer = try send(request, action, Self.checkNamed)
        guard answer.status == 200 || answer.status == 206 else { throw action.error(answer) }
        return ObjectState(answer.response)
    }

    // MARK: Sending

    func send(_ request: S3Client.Request, _ action: S3Action) throws(RekkordError) -> S3Client.Answer {
        try send(request, action) { (answer) throws(FormatError) in answer }
    }

    private func send<Value>(
        _ request: S3Client.Request,
        _ action: S3Action,
        _ read: (S3Client.Answer) throws(FormatError) -> Value
    ) throws(RekkordError) -> Value {
        do {
            return try client.send(request, read)
        } catch {
            throw action.error(error)
        }
    }
}

extension ObjectState {
    /// What the headers of an answer tell.
    init(_ response: HTTPResponse) {
        self.init()
        let headers = response.headers
        entityTag = headers["etag"].map { Self.unquoted($0) }
        versionID = headers["x-amz-version-id"].flatMap { $0.isEmpty || $0 == "null" ? nil : $0 }
        if let mode = headers["x-amz-object-lock-mode"].flatMap({ S3Settings.RetainMode(rawValue: $0) }),
            let until = headers["x-amz-object-lock-retain-until-date"].flatMap({ CalendarTime.parseUTC($0) })
        {
            lock = ObjectLock(mode: mode, until: until)
        }
    }
}
