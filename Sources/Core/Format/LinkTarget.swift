/// Holds where a symbolic link points, as bytes.
///
/// - Source: rekkord-format(5), "Links".
public struct LinkTarget: Hashable, Sendable {
    /// The longest target that is stored, in bytes.
    public static let maxByteCount = 4095

    /// 1…4095 bytes without NUL: the plaintext of the Link blob.
    public let bytes: [UInt8]

    /// Accepts the plaintext of a Link blob, or what `readlink` returned.
    public init(_ bytes: some Collection<UInt8>) throws(FormatError) {
        guard !bytes.isEmpty, bytes.count <= Self.maxByteCount, !bytes.contains(0) else {
            throw FormatError("bad link target")
        }
        self.bytes = Array(bytes)
    }
}
