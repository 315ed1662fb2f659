internal import Glibc

/// Collects the body of an answer.
///
/// What a server announces is believed as far as it costs no more than address space, and a little in advance where it
/// costs more.
struct AnswerBody: ~Copyable {
    private static let maxAdvance = 16 << 20

    private let limit: Int
    private let isAgain: Bool
    private var block: BufferPool.Block?
    /// Where the bytes are when they are in no block.
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    /// How many bytes there are.
    private(set) var count = 0

    /// - Parameters:
    ///   - limit: The most that is worth making room for.
    ///   - isAgain: Whether the caller holds another answer, and so must not wait for memory.
    init(limit: Int, isAgain: Bool) {
        self.limit = limit
        self.isAgain = isAgain
    }

    deinit { free(memory) }

    /// Adds bytes; may wait for others to be done with theirs.
    ///
    /// - Parameter announced: How many there will be in all, as the server says.
    mutating func append(_ bytes: UnsafeRawBufferPointer, announced: Int) {
        if count + bytes.count > capacity { grow(to: count + bytes.count, min(announced, limit)) }
        if let target = start, let source = bytes.baseAddress { memcpy(target + count, source, bytes.count) }
        count += bytes.count
    }

    /// Starts again.
    mutating func clear() { count = 0 }

    /// Hands out what was collected; once.
    mutating func take() -> ByteBuffer {
        if let block = block.take() { return ByteBuffer(block, count: count) }
        guard let memory else { return ByteBuffer([]) }
        self.memory = nil
        return ByteBuffer(adopting: memory, capacity: capacity, count: count)
    }

    private var start: UnsafeMutableRawPointer? {
        switch block {
        case .some(let block): block.bytes.baseAddress
        case .none: memory
        }
    }

    private mutating func grow(to needed: Int, _ announced: Int) {
        let expected = max(needed, announced)
        if BufferPool.serves(expected) {
            let block = BufferPool.shared.receivingBlock(for: expected, isAgain: isAgain)
            if let memory, let target = block.bytes.baseAddress { memcpy(target, memory, count) }
            free(memory)
            memory = nil
            capacity = BufferPool.blockByteCount
            self.block = consume block
            return
        }
        let wanted = max(needed, min(announced, needed + Self.maxAdvance), min(2 * count, limit))
        guard let larger = realloc(memory, wanted) else { fatalError("out of memory") }
        if let block = block.take(), let source = block.bytes.baseAddress { memcpy(larger, source, count) }
        memory = larger
        capacity = wanted
    }
}
