@testable import Core
import Testing

/// The cases of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", and of AWS's test
/// suite for Signature Version 4.
@Suite struct SignatureV4Tests {
    private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private struct Example {
        var method = "GET"
        var path = "/"
        var query: [(name: String, value: String?)] = []
        var headers: [(name: String, value: String)] = []
        var payloadHash = SignatureV4Tests.emptyHash
        let signedHeaders: String
        let signature: String
    }

    /// Signs with the credentials, bucket and date of the S3 documentation.
    private func check(_ example: Example, sourceLocation: SourceLocation = #_sourceLocation) {
        let signer = SignatureV4(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: SecretText(Array("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".utf8)),
            region: "us-east-1"
        )
        let request = SignatureV4.Request(
            method: example.method,
            path: example.path,
            query: example.query,
            headers: example.headers + [
                ("Host", "examplebucket.s3.amazonaws.com"),
                ("x-amz-content-sha256", example.payloadHash),
                ("x-amz-date", "20130524T000000Z"),
            ],
            payloadHash: example.payloadHash
        )
        let expected =
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            + "SignedHeaders=\(example.signedHeaders), Signature=\(example.signature)"
        let value = signer.authorization(of: request, date: "20130524T000000Z")
        #expect(value == expected, sourceLocation: sourceLocation)
    }

    @Test("GET of an object with a range is signed as AWS documents")
    func getObject() {
        check(
            Example(
                path: "/test.txt",
                headers: [("Range", "bytes=0-9")],
                signedHeaders: "host;range;x-amz-content-sha256;x-amz-date",
                signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            )
        )
    }

    @Test("PUT of an object whose key needs encoding is signed as AWS documents")
    func putObject() {
        let body = Array("Welcome to Amazon S3.".utf8)
        check(
            Example(
                method: "PUT",
                path: PercentEncoding.path("/test$file.text"),
                headers: [
                    ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ],
                payloadHash: body.withRawBytes { Digest.sha256($0).hexadecimal },
                signedHeaders: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            )
        )
    }

    @Test("a query without value is signed as AWS documents")
    func lifecycle() {
        check(
            Example(
                query: [("lifecycle", nil)],
                signedHeaders: "host;x-amz-content-sha256;x-amz-date",
                signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            )
        )
    }

    @Test("a listing is signed as AWS documents, whatever the order of its query", arguments: [false, true])
    func list(isReversed: Bool) {
        let query: [(name: String, value: String?)] = [("max-keys", "2"), ("prefix", "J")]
        check(
            Example(
                query: isReversed ? query.reversed() : query,
                signedHeaders: "host;x-amz-content-sha256;x-amz-date",
                signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            )
        )
    }

    /// Signs with the credentials and date of the test suite, whose service is called "service".
    private func suiteSignature(
        _ method: String = "GET",
        query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = []
    ) -> String {
        let signer = SignatureV4(
            accessKeyID: "AKIDEXAMPLE",
            secretKey: SecretText(Array("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".utf8)),
            region: "us-east-1",
            service: "service"
        )
        let request = SignatureV4.Request(
            method: method,
            path: "/",
            query: query,
            headers: [("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")] + headers,
            payloadHash: Self.emptyHash
        )
        let value = signer.authorization(of: request, date: "20150830T123600Z")
        return String(value.suffix(64))
    }

    @Test("the published test suite: get-vanilla, post-vanilla, query order")
    func suite() {
        #expect(
            suiteSignature() == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        )
        #expect(
            suiteSignature("POST") == "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        )
        #expect(
            suiteSignature(query: [("Param2", "value2"), ("Param1", "value1")])
                == "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        )
    }

    @Test("values of one header are joined, and blanks in them count once")
    func canonicalHeaders() {
        let request = SignatureV4.Request(
            method: "GET",
            path: "/",
            query: [("b", "x y"), ("a", nil), ("a", "1/2")],
            headers: [("My-Header", "  a   b\t c "), ("host", "h:9000"), ("my-header", "z")],
            payloadHash: SignatureV4.unsignedPayload
        )
        let (text, names) = SignatureV4.canonical(request)
        #expect(names == "host;my-header")
        #expect(
            text
                == "GET\n/\na=&a=1%2F2&b=x%20y\nhost:h:9000\nmy-header:a b c,z\n\nhost;my-header\nUNSIGNED-PAYLOAD"
        )
    }
}
