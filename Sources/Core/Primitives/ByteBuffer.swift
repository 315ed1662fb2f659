import Glibc

/// Holds bytes that never change, outside the Swift heap, shared by reference.
///
/// A cache and any number of replies can hold the same buffer; the memory goes with the last of them: to the
/// `BufferPool` where there is much of it.
public final class ByteBuffer: @unchecked Sendable {
    // Sendable: the memory is written only before `init` or by `fill` in it.
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// How many bytes there are.
    public let count: Int
    /// Owns the memory; nil when it came from `malloc`.
    private let block: BufferPool.Block?

    /// Allocates `capacity` bytes, calls `fill` once to write them, and keeps as many as it says.
    ///
    /// - Parameter fill: Returns how many bytes from the start are meant, 0…`capacity`. When it throws, nothing is kept.
    public convenience init<E: Error>(
        capacity: Int,
        fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        if BufferPool.serves(capacity) {
            let block = BufferPool.shared.block(for: capacity)
            let count = try fill(block.bytes.slice(0..<capacity))
            precondition(count >= 0 && count <= capacity)
            self.init(block, count: count)
            return
        }
        guard let memory = malloc(max(capacity, 1)) else { fatalError("out of memory") }
        let count: Int
        do {
            count = try fill(UnsafeMutableRawBufferPointer(start: memory, count: capacity))
        } catch {
            free(memory)
            throw error
        }
        self.init(adopting: memory, capacity: capacity, count: count)
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
        block = nil
    }

    /// Takes over a block, of which the first `count` bytes are written.
    init(_ block: consuming BufferPool.Block, count: Int) {
        block.touch(count)
        block.trim(to: count)
        guard let memory = block.bytes.baseAddress else { fatalError("a block without memory") }
        base = memory
        capacity = block.occupiedByteCount
        self.count = count
        self.block = consume block
    }

    /// As `init(capacity:fill:)`, for an object of a storage; waits while too many of them are not decoded yet.
    ///
    /// - Parameter isAgain: Whether the caller holds another object, and so must not wait.
    convenience init<E: Error>(
        receiving byteCount: Int,
        isAgain: Bool,
        fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        guard BufferPool.serves(byteCount) else {
            try self.init(capacity: byteCount, fill: fill)
            return
        }
        let block = BufferPool.shared.receivingBlock(for: byteCount, isAgain: isAgain)
        let count = try fill(block.bytes.slice(0..<byteCount))
        precondition(count >= 0 && count <= byteCount)
        self.init(block, count: count)
    }

    deinit {
        switch block {
        case .none: free(base)
        case .some: break
        }
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
