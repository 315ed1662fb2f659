@testable import Core

/// Answers requests from a list, and records them.
final class ScriptedTransport: HTTPTransport {
    /// A request as it went out.
    struct Sent: Sendable {
        let method: String
        let url: String
        let headers: [String: String]
        let body: [UInt8]
        let needsNewConnection: Bool

        /// The region that the signature names; nil without a signature.
        var region: String? {
            let scope = headers["authorization"]?.split(separator: "=").dropFirst().first
            let parts = scope?.split(separator: "/") ?? []
            return parts.count > 2 ? String(parts[2]) : nil
        }
    }

    /// What comes back.
    enum Reply: Sendable {
        case answer(Int, headers: [String: String] = [:], body: String = "", wasRepeated: Bool = false)
        /// A page of somebody who is no server of S3.
        case stranger
        case failure(HTTPFailure.Kind)

        static let ok = Reply.answer(200)

        static func error(_ status: Int, _ code: String, region: String? = nil) -> Reply {
            let element = region.map { "<Region>\($0)</Region>" } ?? ""
            return .answer(status, body: "<Error><Code>\(code)</Code>\(element)</Error>")
        }
    }

    private struct State {
        var replies: [Reply]
        var sent: [Sent] = []
    }

    private let state: Locked<State>

    init(_ replies: [Reply]) {
        state = Locked(State(replies: replies))
    }

    var sent: [Sent] { state.withLock { $0.sent } }

    /// How many answers nobody asked for.
    var leftCount: Int { state.withLock { $0.replies.count } }

    func send(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPResponse {
        let sent = Sent(
            method: request.method,
            url: request.url,
            headers: Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first },
            body: request.body.map { Array($0) } ?? [],
            needsNewConnection: request.needsNewConnection
        )
        let reply = state.withLock { state -> Reply? in
            state.sent.append(sent)
            return state.replies.isEmpty ? nil : state.replies.removeFirst()
        }
        switch reply {
        case nil: throw HTTPFailure(kind: .refused, reason: "the script is at its end")
        case .failure(let kind): throw HTTPFailure(kind: kind, reason: "made up")
        case .stranger:
            return HTTPResponse(status: 200, headers: [:], body: ByteBuffer("<html>log in first</html>".utf8))
        case .answer(let status, let headers, let body, let wasRepeated):
            guard status >= 300 || body.utf8.count <= request.limit else {
                throw HTTPFailure(kind: .tooLarge, reason: "larger than \(request.limit) bytes")
            }
            return HTTPResponse(
                status: status,
                headers: headers.merging(["etag": "\"0\""]) { given, _ in given },
                body: ByteBuffer(body.utf8),
                wasRepeated: wasRepeated
            )
        }
    }
}
