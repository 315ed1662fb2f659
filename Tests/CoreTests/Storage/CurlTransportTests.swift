@testable import Core
import Glibc
import Testing

@Suite struct CurlTransportTests {
    /// Answers connection after connection with fixed bytes, each list one connection.
    ///
    /// After its last answer a connection is closed; an empty answer says nothing until the client goes, and
    /// `hangUp` closes the connection as soon as a request came.
    private final class CannedServer: Sendable {
        let port: Int
        private let listener: Int32
        private let thread: WorkerThread

        init(_ connections: [[String]]) throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(listener, $0, size)
                    _ = listen(listener, 8)
                    _ = getsockname(listener, $0, &size)
                }
            }
            self.listener = listener
            port = Int(UInt16(bigEndian: address.sin_port))
            thread = try WorkerThread(name: "canned") {
                for answers in connections { Self.serve(listener, answers) }
            }
        }

        deinit {
            // Wakes a thread that still waits for a connection.
            shutdown(listener, Int32(SHUT_RDWR))
            thread.join()
            close(listener)
        }

        private static func serve(_ listener: Int32, _ answers: [String]) {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            defer { close(connection) }
            for answer in answers {
                guard readRequest(connection) else { return }
                if answer == CurlTransportTests.hangUp { return }
                if answer.isEmpty { return _ = readRequest(connection) }
                _ = Array(answer.utf8).withUnsafeBytes {
                    Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
            }
        }

        private static func readRequest(_ connection: Int32) -> Bool {
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 65536)
            while !text.contains("\r\n\r\n") {
                let count = recv(connection, &buffer, buffer.count, 0)
                guard count > 0 else { return false }
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            return true
        }
    }

    private let transport = CurlTransport(
        limits: .init(connectSeconds: 5, stallSeconds: 1, uploadStallSeconds: 2)
    ) { false }

    private func send(
        _ server: CannedServer,
        limit: Int = 1000,
        _ method: String = "GET",
        needsNewConnection: Bool = false
    ) throws(HTTPFailure) -> HTTPResponse {
        try send(port: server.port, limit: limit, method, needsNewConnection: needsNewConnection)
    }

    private func send(
        port: Int,
        limit: Int = 1000,
        _ method: String = "GET",
        needsNewConnection: Bool = false
    ) throws(HTTPFailure) -> HTTPResponse {
        try transport.send(
            HTTPRequest(
                method: method,
                url: "http://127.0.0.1:\(port)/a",
                body: method == "PUT" ? UnsafeRawBufferPointer(start: nil, count: 0) : nil,
                limit: limit,
                needsNewConnection: needsNewConnection
            )
        )
    }

    private static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\nhello"

    @Test("one connection serves request after request")
    func keepAlive() throws {
        let server = try CannedServer([
            [Self.hello, Self.hello, "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"]
        ])
        for _ in 0..<2 {
            let response = try send(server)
            #expect(response.status == 200)
            #expect(response.body.array == Array("hello".utf8))
            #expect(response.headers["etag"] == "\"x\"")
            #expect(!response.wasRepeated)
        }
        #expect(try send(server, "PUT").status == 404)
    }

    @Test(
        "what is no URL is refused, and nothing is sent",
        arguments: ["http://a b/", "gopher://127.0.0.1/", ""]
    )
    func notAnURL(url: String) {
        let failure = #expect(throws: HTTPFailure.self) {
            let request = HTTPRequest(
                method: "GET",
                url: url,
                body: nil,
                limit: 1000,
                needsNewConnection: false
            )
            return try transport.send(request)
        }
        #expect(failure?.kind == .refused)
    }

    @Test("a new connection is made where one is wanted")
    func newConnection() throws {
        let server = try CannedServer([[Self.hello], [Self.hello]])
        _ = try send(server)
        #expect(try send(server, needsNewConnection: true).status == 200)
    }

    private static let hangUp = "hang up"

    @Test("an answer on an idle connection that broke tells that the request was sent twice")
    func repeated() throws {
        let server = try CannedServer([[Self.hello, Self.hangUp], [Self.hello]])
        #expect(try !send(server).wasRepeated)
        let again = try send(server, "PUT")
        #expect(again.status == 200)
        #expect(again.wasRepeated)
    }

    @Test("bodies that end early are no answers, in every framing")
    func cutOff() throws {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nContent-Le", "garbage\r\n\r\n",
        ] {
            let server = try CannedServer([[answer]])
            let error = #expect(throws: HTTPFailure.self) { try send(server) }
            #expect(error?.kind == .cutOff)
        }
    }

    @Test("answers over the limit and floods of headers are refused")
    func limits() throws {
        let large = try CannedServer([[Self.hello]])
        let error = #expect(throws: HTTPFailure.self) { try send(large, limit: 4) }
        #expect(error == HTTPFailure(kind: .tooLarge, reason: "larger than 4 bytes"))
        let refusal = try CannedServer([["HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nhello"]])
        #expect(try send(refusal, limit: 4).body.count == 5)
        let line = "X-Padding: " + String(repeating: "x", count: 1000) + "\r\n"
        let flood = try CannedServer([["HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100) + "\r\n"]])
        #expect(throws: HTTPFailure.self) { try send(flood) }
    }

    @Test("a server that falls silent is given up")
    func stall() throws {
        let server = try CannedServer([[""]])
        let error = #expect(throws: HTTPFailure.self) { try send(server) }
        #expect(error == HTTPFailure(kind: .cutOff, reason: "no byte for 1 s"))
        // What was sent may take the server longer to keep.
        let slow = try CannedServer([[""]])
        let late = #expect(throws: HTTPFailure.self) { try send(slow, "PUT") }
        #expect(late == HTTPFailure(kind: .cutOff, reason: "no byte for 2 s"))
    }

    @Test("nobody there means that nothing was sent; redirects are not followed")
    func notSent() throws {
        let port = try CannedServer([]).port
        let error = #expect(throws: HTTPFailure.self) { try send(port: port) }
        #expect(error?.kind == .notSent)
        let server = try CannedServer([
            ["HTTP/1.1 301 M\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"]
        ])
        #expect(try send(server).status == 301)
    }

    @Test("work that was given up ends its request")
    func cancelled() throws {
        let server = try CannedServer([[""]])
        let transport = CurlTransport { true }
        let request = HTTPRequest(method: "GET", url: "http://127.0.0.1:\(server.port)/", limit: 10)
        let error = #expect(throws: HTTPFailure.self) { try transport.send(request) }
        #expect(error?.kind == .cancelled)
    }
}
