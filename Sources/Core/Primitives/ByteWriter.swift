/// Appends little-endian integers and runs of bytes to an array.
public struct ByteWriter {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// Starts empty, with room for `capacity` bytes.
    public init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Appends an integer in its own width.
    public mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends bytes.
    public mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Appends the 32 bytes of a hash.
    public mutating func hash(_ hash: Hash32) {
        hash.withBytes { bytes.append(contentsOf: $0) }
    }

    /// Appends `count` zero bytes.
    public mutating func zeros(_ count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: count))
    }

    /// Overwrites the integer at `offset`, which was written before.
    public mutating func replace<T: FixedWidthInteger>(at offset: Int, _ value: T) {
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
        }
    }
}
