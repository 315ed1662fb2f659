/// Signs requests by AWS Signature Version 4.
///
/// The secret never leaves this machine; what is sent is an HMAC over all that the server acts on, except the body,
/// which checksums and our own authentication protect.
/// - Source: format.md, 12.2; "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
struct SignatureV4 {
    /// What is signed of a request.
    struct Request {
        var method: String
        /// Encoded once, as it is sent.
        var path: String
        /// Not encoded; no value stands for a name without `=`.
        var query: [(name: String, value: String?)]
        /// Every header that is signed, `host`, `x-amz-date` and `x-amz-content-sha256` included; any case and order.
        var headers: [(name: String, value: String)]
        /// The value of `x-amz-content-sha256`, or the hash of the body.
        var payloadHash: String
    }

    static let unsignedPayload = "UNSIGNED-PAYLOAD"
    private static let algorithm = "AWS4-HMAC-SHA256"

    let accessKeyID: String
    let secretKey: SecretText
    let region: String
    var service = "s3"

    /// The value of the header `authorization`.
    ///
    /// - Parameter date: The value of `x-amz-date`, `20250910T013831Z`.
    func authorization(of request: Request, date: String) -> String {
        let day = String(date.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let (canonical, signedHeaders) = Self.canonical(request)
        let hash = Array(canonical.utf8).withRawBytes { Digest.sha256($0) }
        let text = "\(Self.algorithm)\n\(date)\n\(scope)\n\(hash.hexadecimal)"
        let signature = Digest.hmacSHA256(key: signingKey(day: day), Array(text.utf8)).hexadecimal
        return "\(Self.algorithm) Credential=\(accessKeyID)/\(scope), SignedHeaders=\(signedHeaders), "
            + "Signature=\(signature)"
    }

    private func signingKey(day: String) -> [UInt8] {
        var key = Array("AWS4".utf8) + secretKey.bytes
        for part in [day, region, service, "aws4_request"] {
            key = Digest.hmacSHA256(key: key, Array(part.utf8)).bytes
        }
        return key
    }

    /// The form of a request that both sides hash, and the names of its headers.
    static func canonical(_ request: Request) -> (text: String, signedHeaders: String) {
        // Headers of one name count as one with all values; the order of the values stays.
        var values: [String: [String]] = [:]
        for header in request.headers {
            values[header.name.lowercased(), default: []].append(trimmed(header.value))
        }
        let names = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let lines = names.map { "\($0):\((values[$0] ?? []).joined(separator: ","))\n" }
        let signedHeaders = names.joined(separator: ";")
        let parts = [
            request.method, request.path, query(request.query), lines.joined(), signedHeaders,
            request.payloadHash,
        ]
        return (parts.joined(separator: "\n"), signedHeaders)
    }

    private static func query(_ query: [(name: String, value: String?)]) -> String {
        query.map { (PercentEncoding.query($0.name), PercentEncoding.query($0.value ?? "")) }
            .sorted { a, b in
                a.0 == b.0
                    ? a.1.utf8.lexicographicallyPrecedes(b.1.utf8)
                    : a.0.utf8.lexicographicallyPrecedes(b.0.utf8)
            }
            .map { "\($0.0)=\($0.1)" }
            .joined(separator: "&")
    }

    /// Without blanks at the ends, and with one for each run of them.
    private static func trimmed(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }
}
