/// Holds what the body of a refusal says.
struct S3ErrorDocument: Equatable {
    /// A word such as `AccessDenied`; it is shown to users.
    let code: String
    /// The region that the bucket is in, where the server tells.
    let region: String?

    /// Reads a body; nil when it is anything else.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let root = try? XMLReader.parse(bytes), root.name == "Error", let code = root.text(of: "Code"),
            Self.isWord(code)
        else {
            return nil
        }
        self.code = code
        region = root.text(of: "Region").flatMap { Self.isRegion($0) ? $0 : nil }
    }

    private static func isWord(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    /// Whether a text from a server may go into signatures and messages as the name of a region.
    static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
}
