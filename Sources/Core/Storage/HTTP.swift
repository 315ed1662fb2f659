/// A request to a server over HTTP/1.1.
struct HTTPRequest {
    var method: String
    /// Scheme, host, path and query, all encoded.
    var url: String
    /// Sent in this order, beside `host` and `content-length`.
    var headers: [(name: String, value: String)] = []
    /// What a PUT carries; it must stay valid while the request runs.
    var body: UnsafeRawBufferPointer?
    /// The most bytes that the answer may have.
    var limit: Int
    /// Whether an idle connection must not be used again.
    var needsNewConnection = false
    /// Whether the caller holds an earlier answer, and so must not wait for the memory of this one.
    var isAgain = false
}

/// What a server answered, complete.
struct HTTPResponse {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]
    let body: ByteBuffer
    /// Whether an earlier copy of the request may have reached the server before this answer came.
    ///
    /// Idle connections may be closed by the server at any moment; the request is then sent again on a new one.
    var wasRepeated = false
}

/// Why there is no complete answer.
struct HTTPFailure: Error, Equatable {
    enum Kind {
        /// The server cannot have got the request.
        case notSent
        /// The server may have got the request, and may have acted.
        case cutOff
        /// The answer is larger than the limit.
        case tooLarge
        /// No use in trying again: nobody we trust vouches for the server.
        case untrusted
        /// No use in trying again: the URL is not one.
        case refused
        /// The caller wants no answer any more.
        case cancelled
    }

    let kind: Kind
    /// One clause for people.
    let reason: String
}

/// Sends requests, one per call, and blocks until each is answered; safe on any number of threads.
protocol HTTPTransport: Sendable {
    func send(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPResponse
}
