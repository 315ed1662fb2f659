@testable import Core
import TestSupport
import Testing

@Suite struct S3DocumentTests {
    private static let page = """
        <?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>p/</Prefix>
        <IsTruncated>true</IsTruncated><NextContinuationToken>1/a+b==</NextContinuationToken>
        <Contents><Key>p/cw</Key><ETag>&quot;d41d&quot;</ETag><Size>0</Size></Contents>
        <Contents><Key>p/blobs/M/00/00AA</Key><Size>4203</Size><Owner><ID>x</ID></Owner></Contents>
        <Contents><Key>q/else</Key><Size>1</Size></Contents></ListBucketResult>
        """

    private func listing(_ text: String, prefix: String = "p/") throws(FormatError) -> S3Listing {
        try Array(text.utf8).withRawBytes { (bytes) throws(FormatError) in
            try S3Listing(bytes, prefix: prefix)
        }
    }

    @Test("a page gives names below the prefix, sizes, tags and the way to the next page")
    func page() throws {
        let page = try listing(Self.page)
        #expect(page.objects.map(\.name) == ["cw", "blobs/M/00/00AA"])
        #expect(page.objects.map(\.byteCount) == [0, 4203])
        #expect(page.objects.map(\.entityTag) == ["d41d", nil])
        #expect(page.isTruncated)
        #expect(page.nextToken == "1/a+b==")
    }

    @Test("encoded keys are decoded, blanks in either way")
    func encodedKeys() {
        func name(_ key: String, _ prefix: String = "", encoded: Bool = true) -> String? {
            S3Listing.name(key, prefix: prefix, isEncoded: encoded)
        }
        #expect(name("a%2Fb%C3%A4") == "a/bä")
        #expect(name("a+b%2Bc") == "a b+c")
        #expect(name("my+backups/cw", "my backups/") == "cw")
        #expect(name("my%20backups/cw", "my backups/") == "cw")
        #expect(name("my+backups/cw", "my+backups/") == "cw")
        #expect(name("my%2Bbackups/cw", "my+backups/") == "cw")
        #expect(name("a%01b") == "a\u{01}b")
        #expect(name("a%FF") == nil)
        #expect(name("a%4") == nil)
        #expect(name("a%zz", encoded: false) == "a%zz")
        #expect(name("other/cw", "my/") == nil)
    }

    @Test(
        "what is no listing is refused",
        arguments: [
            "", " ", "no such thing", "{}", "<html></html>", "<ListBucketResult>", "<a/><b/>",
            "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        ]
    )
    func refused(text: String) {
        #expect(throws: FormatError.self) { try listing(text) }
    }

    @Test("documents that declare entities are refused before any is expanded or fetched")
    func entities() {
        let bomb = """
            <!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
            <ListBucketResult><Name>&b;</Name></ListBucketResult>
            """
        let fetch = """
            <!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult><Name>&a;</Name></ListBucketResult>
            """
        for text in [bomb, fetch, "<!DOCTYPE html><ListBucketResult/>"] {
            let error = #expect(throws: FormatError.self) { try listing(text) }
            #expect(error?.reason == "XML has a document type")
        }
    }

    @Test("depth and number of elements are bounded")
    func bounds() {
        let deep = String(repeating: "<a>", count: XMLReader.maxDepth + 1)
        #expect(throws: FormatError("XML is too deep")) { try listing(deep) }
        let many = "<a>" + String(repeating: "<b/>", count: XMLReader.maxElementCount) + "</a>"
        #expect(throws: FormatError("XML has too many elements")) { try listing(many) }
    }

    @Test("damaged pages are refused or read, never more")
    func hostile() {
        let bytes = Array(Self.page.utf8)
        HostileBytes.truncations(of: bytes) { damaged in
            #expect(throws: FormatError.self) {
                try damaged.withRawBytes { (bytes) throws(FormatError) in try S3Listing(bytes, prefix: "p/") }
            }
        }
        HostileBytes.flips(of: bytes) { damaged in
            _ = try? damaged.withRawBytes { (bytes) throws(FormatError) in try S3Listing(bytes, prefix: "p/")
            }
        }
    }

    @Test("an error document tells code and region; odd texts never reach a message or a signature")
    func errors() {
        func document(_ text: String) -> S3ErrorDocument? {
            Array(text.utf8).withRawBytes { S3ErrorDocument($0) }
        }
        let wrong = document(
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</Region></Error>"
        )
        #expect(wrong?.code == "AuthorizationHeaderMalformed")
        #expect(wrong?.region == "eu-west-1")
        #expect(document("<Error><Code>A</Code><Region>a/b\n</Region></Error>")?.region == nil)
        for text in [
            "", "<Error/>", "<Error><Code></Code></Error>", "<Error><Code>a b</Code></Error>",
            "<Error><Code>\u{1B}[0m</Code></Error>", "<html>403</html>",
        ] {
            #expect(document(text) == nil)
        }
    }
}
