/// Holds the plaintext of one blob together with its type.
///
/// `Repository.get` returns only blobs whose plaintext has the hash that was asked for.
public struct Blob: Sendable {
    /// The layout of the bytes.
    public let type: BlobType
    /// The plaintext.
    public let bytes: ByteBuffer

    /// Joins a type and a plaintext.
    public init(type: BlobType, bytes: ByteBuffer) {
        self.type = type
        self.bytes = bytes
    }
}
