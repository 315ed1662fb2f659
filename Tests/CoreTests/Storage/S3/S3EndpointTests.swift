@testable import Core
import Testing

@Suite struct S3EndpointTests {
    private func endpoint(_ address: String, isSecure: Bool = true) throws -> S3Endpoint {
        S3Endpoint(try RepositoryURL.s3(address[...], isSecure: isSecure))
    }

    private func url(_ address: String, _ name: String, isSecure: Bool = true) throws -> String {
        let endpoint = try endpoint(address, isSecure: isSecure)
        return endpoint.url(path: endpoint.path(ofKey: name.isEmpty ? "" : endpoint.key(of: name)))
    }

    @Test("path style names the bucket in the path, virtual-host style in the host")
    func styles() throws {
        #expect(try url("localhost:9000/b", "cw", isSecure: false) == "http://localhost:9000/b/cw")
        #expect(try url("h/b/my/repo", "cw") == "https://h/b/my/repo/cw")
        #expect(
            try url("b.s3.eu-west-1.amazonaws.com", "cw") == "https://b.s3.eu-west-1.amazonaws.com/cw"
        )
        #expect(
            try url("b.s3.amazonaws.com/my/repo", "tags/P/x") == "https://b.s3.amazonaws.com/my/repo/tags/P/x"
        )
        #expect(try url("h/b/repo", "") == "https://h/b")
        #expect(try url("b.s3.amazonaws.com/repo", "") == "https://b.s3.amazonaws.com/")
    }

    @Test("the port is named where it is not the scheme's own")
    func ports() throws {
        #expect(try endpoint("h:443/b").host == "h")
        #expect(try endpoint("h:80/b").host == "h:80")
        #expect(try endpoint("h:80/b", isSecure: false).host == "h")
        #expect(try endpoint("[::1]:9000/b").host == "[::1]:9000")
    }

    @Test("all but letters, digits, -._~ and slashes of keys is encoded")
    func encoding() throws {
        #expect(
            try url("h/b/a b+c", "tags/M/é=%&?#~_.-")
                == "https://h/b/a%20b%2Bc/tags/M/%C3%A9%3D%25%26%3F%23~_.-"
        )
        #expect(PercentEncoding.query("a/b c") == "a%2Fb%20c")
        let endpoint = try endpoint("h/b")
        #expect(
            endpoint.url(path: "/b/cw", query: [("retention", nil), ("versionId", "a+b/c=")])
                == "https://h/b/cw?retention&versionId=a%2Bb%2Fc%3D"
        )
    }

    @Test(
        "a host name tells its region where it has one",
        arguments: [
            ("s3.eu-west-1.amazonaws.com/b", "eu-west-1"), ("b.s3.eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3.amazonaws.com/b", nil), ("b.s3.amazonaws.com", nil), ("localhost:9000/b", nil),
            ("minio.example.org/b", nil), ("s3.fr-par.scw.cloud/b", "fr-par"),
            ("x.y.s3.eu-west-1.amazonaws.com/b", nil),
        ] as [(String, String?)]
    )
    func regions(address: String, region: String?) throws {
        #expect(try endpoint(address).region == region)
    }
}
