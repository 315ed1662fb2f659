internal import CCurl
import Glibc
import SystemPackage

/// Sends requests by libcurl; the only file that touches it.
///
/// Each call borrows a handle, which keeps its connection open for the next one. TLS certificates are verified,
/// redirects are not followed, and nothing but HTTP and HTTPS is spoken.
/// - Source: C: `libcurl-easy(3)`.
final class CurlTransport: HTTPTransport {
    /// How long a server may be silent.
    struct Limits {
        /// Until a connection stands, names resolved and TLS agreed on.
        var connectSeconds = 10
        /// Without a byte in either direction, while something is read: a mount that waits gives up after 15 s, and another
        /// attempt should come before that.
        var stallSeconds = 10
        /// The same for a request with a body, which may take a server its time and must not be sent twice for that.
        var uploadStallSeconds = 30
    }

    private let handles: Pool<CurlHandle>

    /// - Parameters:
    ///   - certificateFile: The certificates that are trusted; nil means those of the system.
    ///   - isCancelled: Asked about once a second while a request runs.
    init(
        limits: Limits = Limits(),
        certificateFile: FilePath? = nil,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        handles = Pool {
            CurlHandle(limits: limits, certificateFile: certificateFile?.string, isCancelled: isCancelled)
        }
    }

    func send(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPResponse {
        try handles.with { (handle) throws(HTTPFailure) in try handle.send(request) }
    }
}

/// Owns one easy handle and its connection; used by one thread at a time.
private final class CurlHandle {
    /// libcurl starts once, before the first handle.
    private static let isReady = rk_curl_start() == CURLE_OK

    private let handle: UnsafeMutableRawPointer
    private let limits: CurlTransport.Limits
    private let certificateFile: String?
    private let isCancelled: @Sendable () -> Bool

    init(
        limits: CurlTransport.Limits,
        certificateFile: String?,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        guard Self.isReady, let handle = curl_easy_init() else { fatalError("libcurl cannot start") }
        self.handle = handle
        self.limits = limits
        self.certificateFile = certificateFile
        self.isCancelled = isCancelled
    }

    deinit {
        curl_easy_cleanup(handle)
    }

    /// Sends one request and waits for the whole answer.
    func send(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPResponse {
        let stallSeconds = request.body == nil ? limits.stallSeconds : limits.uploadStallSeconds
        let exchange = Exchange(
            limit: request.limit,
            isAgain: request.isAgain,
            stallSeconds: stallSeconds,
            isCancelled: isCancelled
        )
        let headers = HeaderList(request)
        // Resetting keeps connections, the session of TLS and resolved names.
        curl_easy_reset(handle)
        setConnection(request)
        setRequest(request, headers)
        let code = withExtendedLifetime((exchange, headers)) {
            setReceivers(exchange)
            return curl_easy_perform(handle)
        }
        // Nothing of this call may be reachable through the handle any more.
        curl_easy_reset(handle)
        if let failure = exchange.failure(code) { throw failure }
        return exchange.response()
    }

    private func setConnection(_ request: HTTPRequest) {
        set(CURLOPT_NOSIGNAL, 1)
        setString(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let certificateFile { setString(CURLOPT_CAINFO, certificateFile) }
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_CONNECTTIMEOUT, limits.connectSeconds)
        // One connection: a new one takes the place of the old.
        set(CURLOPT_MAXCONNECTS, 1)
        set(CURLOPT_FRESH_CONNECT, request.needsNewConnection ? 1 : 0)
        set(CURLOPT_BUFFERSIZE, 256 << 10)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
        // Keys may hold segments like `..`, which are names here.
        set(CURLOPT_PATH_AS_IS, 1)
    }

    private func setRequest(_ request: HTTPRequest, _ headers: HeaderList) {
        setString(CURLOPT_URL, request.url)
        setString(CURLOPT_USERAGENT, "rekkord")
        if let body = request.body {
            set(CURLOPT_POST, 1)
            let size = rk_curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            precondition(size == CURLE_OK)
            // Without an address libcurl would ask for the body by a callback.
            setPointer(
                CURLOPT_POSTFIELDS,
                body.count == 0 ? UnsafeRawPointer(bitPattern: 16) : body.baseAddress
            )
        } else {
            set(CURLOPT_HTTPGET, 1)
        }
        setString(CURLOPT_CUSTOMREQUEST, request.method)
        setPointer(CURLOPT_HTTPHEADER, headers.first)
    }

    private func setReceivers(_ exchange: Exchange) {
        setPointer(CURLOPT_ERRORBUFFER, exchange.details)
        let context = UnsafeRawPointer(Unmanaged.passUnretained(exchange).toOpaque())
        check(rk_curl_set_receiver(handle, CURLOPT_WRITEFUNCTION) { Exchange.receive($0, $1 * $2, $3) })
        setPointer(CURLOPT_WRITEDATA, context)
        check(
            rk_curl_set_receiver(handle, CURLOPT_HEADERFUNCTION) { Exchange.receiveHeader($0, $1 * $2, $3) }
        )
        setPointer(CURLOPT_HEADERDATA, context)
        check(rk_curl_set_progress(handle) { Exchange.progress($0, received: $2, sent: $4) })
        setPointer(CURLOPT_XFERINFODATA, context)
        set(CURLOPT_NOPROGRESS, 0)
        check(
            rk_curl_set_before_request(handle) { context, _, _, _, _ in Exchange.willSend(context) }
        )
        setPointer(CURLOPT_PREREQDATA, context)
    }

    private func set(_ option: CURLoption, _ value: Int) {
        check(rk_curl_set_long(handle, option, value))
    }

    private func setString(_ option: CURLoption, _ value: String) {
        check(rk_curl_set_string(handle, option, value))
    }

    private func setPointer(_ option: CURLoption, _ value: UnsafeRawPointer?) {
        check(rk_curl_set_pointer(handle, option, value))
    }

    /// Setting an option fails only without memory or when libcurl lacks it.
    private func check(_ code: CURLcode) {
        guard code == CURLE_OK else { fatalError("libcurl: \(String(cString: curl_easy_strerror(code)))") }
    }
}

/// Owns the list of header lines of one request.
private final class HeaderList {
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    init(_ request: HTTPRequest) {
        for header in request.headers { append("\(header.name): \(header.value)") }
        // libcurl would add these by itself: a type that is not signed, and a question that costs a round trip.
        append("Content-Type:")
        append("Expect:")
        append("Accept:")
    }

    private func append(_ line: String) {
        guard let list = curl_slist_append(first, line) else { fatalError("out of memory") }
        first = list
    }

    deinit {
        curl_slist_free_all(first)
    }
}

/// Collects the answer to one request.
private final class Exchange {
    private static let maxHeaderByteCount = 64 << 10
    private static let maxRefusalByteCount = 256 << 10
    private static let nanosecondsPerSecond: UInt64 = 1_000_000_000

    private let limit: Int
    private let stallSeconds: Int
    private let isCancelled: @Sendable () -> Bool
    private var status = 0
    private var headers: [String: String] = [:]
    private var headerByteCount = 0
    private var hasAllHeaders = false
    private var body: AnswerBody
    private var sendCount = 0
    /// Where libcurl writes about errors.
    let details: UnsafeMutablePointer<CChar> = {
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        buffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        return buffer
    }()
    private var moved: curl_off_t = 0
    private var lastMove = Exchange.now()
    /// What one of the callbacks stopped the transfer for.
    private var abort: HTTPFailure?

    init(limit: Int, isAgain: Bool, stallSeconds: Int, isCancelled: @escaping @Sendable () -> Bool) {
        self.limit = limit
        body = AnswerBody(limit: limit, isAgain: isAgain)
        self.stallSeconds = stallSeconds
        self.isCancelled = isCancelled
    }

    deinit {
        details.deallocate()
    }

    /// Hands out what was collected; once.
    func response() -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: body.take(), wasRepeated: sendCount > 1)
    }

    /// Why there is no whole answer; nil when there is one.
    func failure(_ code: CURLcode) -> HTTPFailure? {
        if let abort { return abort }
        if code == CURLE_OK {
            // libcurl takes headers that end early for a whole answer.
            return hasAllHeaders ? nil : HTTPFailure(kind: .cutOff, reason: "the answer is cut off")
        }
        let reason = String(cString: curl_easy_strerror(code)).lowercasedFirst
        switch code {
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            // What is wrong with a certificate is only told here.
            let details = String(cString: details)
            return HTTPFailure(kind: .untrusted, reason: details.isEmpty ? reason : details)
        case CURLE_URL_MALFORMAT,
            CURLE_UNSUPPORTED_PROTOCOL where sendCount == 0:
            return HTTPFailure(kind: .refused, reason: reason)
        default:
            return HTTPFailure(kind: sendCount == 0 ? .notSent : .cutOff, reason: reason)
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> Exchange {
        guard let context else { fatalError("libcurl lost its context") }
        return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    }

    /// Called before each copy of the request goes out.
    static func willSend(_ context: UnsafeMutableRawPointer?) -> Int32 {
        let exchange = from(context)
        exchange.sendCount += 1
        exchange.lastMove = now()
        return CURL_PREREQFUNC_OK
    }

    static func receive(
        _ bytes: UnsafeMutablePointer<CChar>?,
        _ count: Int,
        _ context: UnsafeMutableRawPointer?
    ) -> Int {
        guard let bytes else { return 0 }
        // Any other number than `count` ends the transfer.
        return from(context).append(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : -1
    }

    private func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // The page of a refusal is no object, and what it says matters.
        let isSuccess = (200..<300).contains(status)
        let limit = isSuccess ? limit : max(limit, Self.maxRefusalByteCount)
        guard bytes.count <= limit - body.count else {
            abort = HTTPFailure(
                kind: isSuccess ? .tooLarge : .cutOff,
                reason: "larger than \(limit) bytes"
            )
            return false
        }
        body.append(bytes, announced: headers["content-length"].flatMap { Int($0) } ?? 0)
        return true
    }

    static func receiveHeader(
        _ bytes: UnsafeMutablePointer<CChar>?,
        _ count: Int,
        _ context: UnsafeMutableRawPointer?
    ) -> Int {
        guard let bytes else { return 0 }
        let line = UnsafeRawBufferPointer(start: bytes, count: count)
        return from(context).appendHeader(String(decoding: line, as: UTF8.self), count) ? count : -1
    }

    private func appendHeader(_ line: String, _ byteCount: Int) -> Bool {
        headerByteCount += byteCount
        guard headerByteCount <= Self.maxHeaderByteCount else {
            abort = HTTPFailure(kind: .cutOff, reason: "the answer has too many headers")
            return false
        }
        if line.hasPrefix("HTTP/") {
            // After a `100 Continue`, or on the second try of libcurl, all starts again.
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            status = words.count > 1 ? Int(words[1].prefix(3)) ?? 0 : 0
            headers = [:]
            hasAllHeaders = false
            body.clear()
        } else if line == "\r\n" || line == "\n" {
            hasAllHeaders = true
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...]
            headers[line[..<colon].lowercased()] = String(value).trimmed
        }
        return true
    }

    /// Called at least once a second; anything but 0 ends the transfer.
    static func progress(
        _ context: UnsafeMutableRawPointer?,
        received: curl_off_t,
        sent: curl_off_t
    ) -> Int32 {
        from(context).progress(received + sent) ? 0 : 1
    }

    private func progress(_ moved: curl_off_t) -> Bool {
        if isCancelled() {
            abort = HTTPFailure(kind: .cancelled, reason: "interrupted")
            return false
        }
        let now = Self.now()
        if moved != self.moved {
            self.moved = moved
            lastMove = now
        }
        let silence = now - lastMove
        // Until the request is out, the limit of the connection counts.
        guard sendCount > 0, silence > UInt64(stallSeconds) * Self.nanosecondsPerSecond else {
            return true
        }
        abort = HTTPFailure(kind: .cutOff, reason: "no byte for \(stallSeconds) s")
        return false
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * nanosecondsPerSecond + UInt64(time.tv_nsec)
    }
}

extension String {
    /// Without blanks and line ends around it.
    fileprivate var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        let start = drop(while: isBlank)
        guard let end = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(start[...end])
    }

    /// The form of a clause inside a message.
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
