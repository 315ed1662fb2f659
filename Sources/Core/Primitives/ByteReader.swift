/// Reads little-endian integers and runs of bytes from a buffer, never beyond its end.
///
/// The buffer must outlive the reader; use it inside a `withBytes` closure.
public struct ByteReader {
    /// The whole buffer.
    public let bytes: UnsafeRawBufferPointer
    /// Where the next read starts.
    public private(set) var offset = 0

    /// Starts at the beginning of `bytes`.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// How many bytes are left.
    public var remaining: Int { bytes.count - offset }

    /// Reads an integer of the width of `type`.
    /// - Throws: `cut off` when fewer bytes are left.
    @inline(__always)
    public mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(FormatError) -> T {
        let width = MemoryLayout<T>.size
        guard remaining >= width else { throw FormatError("cut off") }
        defer { offset += width }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// Reads `count` bytes without copying them.
    /// - Throws: `cut off` when `count` is negative or fewer bytes are left.
    @inline(__always)
    public mutating func bytes(_ count: Int) throws(FormatError) -> UnsafeRawBufferPointer {
        guard count >= 0, remaining >= count else { throw FormatError("cut off") }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Reads a 32-byte value.
    @inline(__always)
    public mutating func hash() throws(FormatError) -> Hash32 {
        Hash32(try bytes(Hash32.byteCount))
    }
}
