/// Holds the plaintext of one blob together with its type.
///
/// `Repository.get` returns only blobs whose plaintext has the hash that was asked for.
public struct Blob: Sendable {
    /// The layout of the bytes.
    public let type: BlobType
    /// The plaintext.
    public let bytes: ByteBuffer
    /// How many bytes the sealed object takes in storage; 0 for a blob that does not come from there.
    public let objectByteCount: Int

    /// Joins a type and a plaintext.
    public init(type: BlobType, bytes: ByteBuffer, objectByteCount: Int = 0) {
        self.type = type
        self.bytes = bytes
        self.objectByteCount = objectByteCount
    }
}
