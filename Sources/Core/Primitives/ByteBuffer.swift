import Glibc

/// Holds bytes that never change, outside the Swift heap, shared by reference.
///
/// A cache and any number of replies can hold the same buffer; the memory goes with the last of them.
public final class ByteBuffer: @unchecked Sendable {
    // Sendable: the memory is written only by `fill` in `init`.
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// How many bytes there are.
    public let count: Int

    /// Allocates `capacity` bytes, calls `fill` once to write them, and keeps as many as it says.
    ///
    /// - Parameter fill: Returns how many bytes from the start are meant, 0…`capacity`. When it throws, nothing is kept.
    public init<E: Error>(
        capacity: Int,
        fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        guard let memory = malloc(max(capacity, 1)) else { fatalError("out of memory") }
        do {
            count = try fill(UnsafeMutableRawBufferPointer(start: memory, count: capacity))
        } catch {
            free(memory)
            throw error
        }
        precondition(count >= 0 && count <= capacity)
        base = memory
        self.capacity = capacity
    }

    /// Copies `bytes`.
    public convenience init(_ bytes: some Collection<UInt8>) {
        self.init(capacity: bytes.count) { target in
            target.copyBytes(from: bytes)
            return bytes.count
        }
    }

    /// Takes over memory that came from `malloc`, of which the first `count` bytes are written.
    init(adopting memory: UnsafeMutableRawPointer, capacity: Int, count: Int) {
        precondition(count >= 0 && count <= capacity)
        base = memory
        self.capacity = capacity
        self.count = count
    }

    deinit {
        free(base)
    }

    /// The memory that the buffer occupies, at least `count`.
    public var allocatedByteCount: Int { capacity }

    /// Calls `body` with the bytes, which must not escape from it.
    @inline(__always)
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Whether both hold the same bytes.
    public func hasSameBytes(as other: ByteBuffer) -> Bool {
        count == other.count && memcmp(base, other.base, count) == 0
    }

    /// A copy as an array, for tests and small values.
    public var array: [UInt8] { withBytes { Array($0) } }
}
