/// Shows bytes as text where a document cannot hold them.
public enum Base64 {
    /// RFC 4648 with `+`, `/` and `=`.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.withRawBytes { Sodium.base64($0, .standard) }, as: UTF8.self)
    }
}
