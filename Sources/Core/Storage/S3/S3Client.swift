internal import Glibc
internal import SystemPackage

/// Sends signed requests to one bucket, each until it is answered for good.
///
/// What may be passing is tried again on a new connection: lost connections, answers that are cut off, 409, 429 and
/// 5xx. A region that nobody named is corrected once, by the answer to the first request.
/// - Source: commands.md, 2.5 and 7; format.md, 12.
final class S3Client: Sendable {
    struct Request {
        var method = "GET"
        /// The full key; empty for the bucket itself.
        var key: String
        var query: [(name: String, value: String?)] = []
        /// Signed, beside those that every request has.
        var headers: [(name: String, value: String)] = []
        var body: UnsafeRawBufferPointer?
        /// The largest body of an answer.
        var limit = S3Client.maxAnswerByteCount
        /// Whether even the first attempt must not use a connection that was used before.
        var needsNewConnection = false
    }

    struct Answer {
        let response: HTTPResponse
        /// What the body says, when the request was refused.
        let error: S3ErrorDocument?
        /// How often the request was sent.
        let attempts: Int
        /// Whether an earlier attempt may have reached the server and done its work.
        let mayHaveActedBefore: Bool

        var status: Int { response.status }
    }

    /// Why no answer came, and after how many attempts.
    struct Failure: Error {
        let cause: HTTPFailure
        let attempts: Int
    }

    /// The world outside, for tests to replace.
    struct Surroundings: Sendable {
        var transport: any HTTPTransport
        var now: @Sendable () -> Timestamp = { .now() }
        /// Waits so many milliseconds, or until the work is cancelled.
        var pause: @Sendable (Int) -> Void
        var random: @Sendable () -> UInt64 = { .random(in: 0 ... .max) }
        var isCancelled: @Sendable () -> Bool
    }

    /// The largest answer that is not an object.
    static let maxAnswerByteCount = 16 << 20
    private static let usualRegion = "us-east-1"
    /// Refusals that a wrong region may cause.
    private static let regionCodes: Set<String> = [
        "AuthorizationHeaderMalformed", "SignatureDoesNotMatch", "InvalidRegion", "PermanentRedirect",
        "TemporaryRedirect", "IllegalLocationConstraintException",
    ]
    /// Refusals with status 400 that another attempt may not meet.
    private static let passingCodes: Set<String> = [
        "BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentChecksumMismatch", "InternalError",
        "SlowDown",
    ]

    private struct Region {
        var name: String
        /// Whether it was named or has proven right.
        var isSettled: Bool
    }

    let endpoint: S3Endpoint
    private let accessKeyID: String
    private let secretKey: SecretText
    private let policy: RetryPolicy
    private let surroundings: Surroundings
    private let region: Locked<Region>

    init(
        _ endpoint: S3Endpoint,
        region: String?,
        accessKeyID: String,
        secretKey: SecretText,
        policy: RetryPolicy = RetryPolicy(),
        surroundings: Surroundings
    ) {
        self.endpoint = endpoint
        self.accessKeyID = accessKeyID
        self.secretKey = secretKey
        self.policy = policy
        self.surroundings = surroundings
        let named = region ?? endpoint.region
        self.region = Locked(Region(name: named ?? Self.usualRegion, isSettled: named != nil))
    }

    var now: Timestamp { surroundings.now() }

    /// Sends a request; an answer that is no passing failure goes to `read`.
    ///
    /// - Parameter read: Makes something of an answer; what it throws counts as an answer that was damaged on its way.
    /// - Throws: The last failure, when all attempts failed.
    func send<Value>(
        _ request: Request,
        _ read: (Answer) throws(FormatError) -> Value
    ) throws(Failure) -> Value {
        var mayHaveActed = false
        var attempt = 0
        while true {
            let isLast = attempt + 1 >= policy.maxAttempts
            var retryAfter: Int?
            do throws(HTTPFailure) {
                let response = try sendInRightRegion(
                    request,
                    isAgain: attempt > 0 || request.needsNewConnection
                )
                let answer = Answer(
                    response: response,
                    error: (200..<300).contains(response.status)
                        ? nil : response.body.withBytes { S3ErrorDocument($0) },
                    attempts: attempt + 1,
                    mayHaveActedBefore: mayHaveActed || response.wasRepeated
                )
                if isLast || !Self.isPassing(answer) {
                    do {
                        return try read(answer)
                    } catch {
                        throw HTTPFailure(kind: .cutOff, reason: error.reason)
                    }
                }
                // A server that failed may have failed after the work was done.
                mayHaveActed = mayHaveActed || response.wasRepeated || response.status >= 500
                retryAfter = response.headers["retry-after"].flatMap {
                    RetryPolicy.retryAfterSeconds($0, now: now)
                }
            } catch {
                // What is too large is asked for once more: it may be somebody else's answer.
                let isFinal =
                    switch error.kind {
                    case .untrusted, .refused, .cancelled: true
                    case .tooLarge: attempt > 0
                    case .notSent, .cutOff: false
                    }
                if isFinal || isLast { throw Failure(cause: error, attempts: attempt + 1) }
                mayHaveActed = mayHaveActed || error.kind != .notSent
            }
            let random = surroundings.random()
            surroundings.pause(
                policy.delayMilliseconds(after: attempt, retryAfter: retryAfter, random: random)
            )
            if surroundings.isCancelled() {
                throw Failure(
                    cause: HTTPFailure(kind: .cancelled, reason: "interrupted"),
                    attempts: attempt + 1
                )
            }
            attempt += 1
        }
    }

    private static func isPassing(_ answer: Answer) -> Bool {
        switch answer.status {
        case 307, 408, 409, 429, 500, 502, 503, 504: true
        case 400: answer.error.map { passingCodes.contains($0.code) } ?? false
        default: false
        }
    }

    // MARK: Region

    private func sendInRightRegion(_ request: Request, isAgain: Bool) throws(HTTPFailure) -> HTTPResponse {
        let used = region.withLock { $0 }
        let response = try sendOnce(request, region: used.name, isAgain: isAgain)
        if used.isSettled { return response }
        if Self.mayNameRegion(response) {
            let right = named(by: response) ?? askForRegion()
            let name = region.withLock { region in
                // Another thread may have been first; then its answer counts.
                if !region.isSettled { region = Region(name: right ?? region.name, isSettled: true) }
                return region.name
            }
            return name == used.name ? response : try sendOnce(request, region: name, isAgain: isAgain)
        }
        // A server in trouble proves nothing.
        if response.status < 500 { region.withLock { $0.isSettled = true } }
        return response
    }

    private static func mayNameRegion(_ response: HTTPResponse) -> Bool {
        if (200..<300).contains(response.status) || response.status >= 500 { return false }
        if response.headers["x-amz-bucket-region"] != nil || (301...302).contains(response.status) {
            return true
        }
        guard let error = response.body.withBytes({ S3ErrorDocument($0) }) else { return false }
        return error.region != nil || regionCodes.contains(error.code)
    }

    private func named(by response: HTTPResponse) -> String? {
        if let name = response.headers["x-amz-bucket-region"], S3ErrorDocument.isRegion(name) { return name }
        return response.body.withBytes { S3ErrorDocument($0) }?.region
    }

    /// Asks the bucket itself, without credentials; any answer is fine.
    private func askForRegion() -> String? {
        let url = endpoint.url(path: endpoint.path(ofKey: ""))
        let request = HTTPRequest(method: "GET", url: url, limit: Self.maxAnswerByteCount)
        guard let response = try? surroundings.transport.send(request) else { return nil }
        return named(by: response)
    }

    // MARK: One attempt

    private func sendOnce(_ request: Request, region: String, isAgain: Bool) throws(HTTPFailure)
        -> HTTPResponse
    {
        let path = endpoint.path(ofKey: request.key)
        let date = CalendarTime.utcBasic(now)
        let headers =
            request.headers + [
                ("x-amz-content-sha256", SignatureV4.unsignedPayload), ("x-amz-date", date),
            ]
        let signature = SignatureV4(accessKeyID: accessKeyID, secretKey: secretKey, region: region)
        let authorization = signature.authorization(
            of: SignatureV4.Request(
                method: request.method,
                path: path,
                query: request.query,
                headers: headers + [("host", endpoint.host)],
                payloadHash: SignatureV4.unsignedPayload
            ),
            date: date
        )
        return try surroundings.transport.send(
            HTTPRequest(
                method: request.method,
                url: endpoint.url(path: path, query: request.query),
                headers: headers + [("authorization", authorization)],
                body: request.body,
                limit: request.limit,
                needsNewConnection: isAgain,
                isAgain: request.needsNewConnection
            )
        )
    }
}

extension S3Client.Surroundings {
    /// The real ones.
    init(certificateFile: FilePath? = nil, isCancelled: @escaping @Sendable () -> Bool) {
        self.init(
            transport: CurlTransport(certificateFile: certificateFile, isCancelled: isCancelled),
            pause: { milliseconds in
                // In pieces, so that a signal does not wait for the whole.
                var left = milliseconds
                while left > 0, !isCancelled() {
                    let piece = min(left, 100)
                    usleep(UInt32(piece) * 1000)
                    left -= piece
                }
            },
            isCancelled: isCancelled
        )
    }
}
