import Glibc

/// Lends memory for bytes in bulk: objects on their way, and the chunks that are made of them.
///
/// New pages cost about as much as all that is then done with them, so memory that came back is lent again. A block
/// is address space for the largest chunk of a file, of which only what was touched is occupied; whoever writes to it
/// need not know beforehand how much there will be.
///
/// ```
/// block  | written | touched before | never touched               |     address space of `blockByteCount`
///        '---------- occupied ------'
/// ```
///
/// Objects that are being received can be limited: who receives another one waits until others were decoded.
final class BufferPool: Sendable {
    /// Serves the whole process.
    static let shared = BufferPool(idleByteLimit: 32 << 20)

    /// The address space of a block: the largest chunk, sealed and padded.
    static let blockByteCount = 10 << 20
    /// What is smaller comes from `malloc`.
    static let minByteCount = 128 << 10
    /// The size in which memory is had without the cost of small pages, where the system allows.
    private static let hugePageByteCount = 2 << 20
    /// Of memory and of the page cache.
    static let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// A block that is lent; it goes back when its life ends.
    struct Block: ~Copyable {
        fileprivate var memory: Memory
        private let pool: BufferPool
        /// What it holds of the allowance for objects that are received.
        private let share: Int

        fileprivate init(_ memory: Memory, _ pool: BufferPool, share: Int) {
            self.memory = memory
            self.pool = pool
            self.share = share
        }

        deinit {
            pool.giveBack(memory)
            if share > 0 { pool.received.giveBack(share) }
        }

        /// All of the address space.
        var bytes: UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(start: memory.base, count: BufferPool.blockByteCount)
        }

        /// How many bytes are occupied.
        var occupiedByteCount: Int { memory.occupied }

        /// Makes the first bytes ready to be written, faster than writing to them would.
        mutating func prepare(_ byteCount: Int) {
            memory.prepare(byteCount)
        }

        /// Notes that the first bytes were written.
        mutating func touch(_ byteCount: Int) {
            memory.occupied = max(memory.occupied, Memory.wholePages(byteCount))
        }

        /// Gives up all that may have been touched.
        mutating func empty() {
            memory.occupied = BufferPool.blockByteCount
            memory.trim(to: 0)
        }

        /// Gives up what lies behind the first bytes, unless that is little.
        mutating func trim(to byteCount: Int) {
            memory.trim(to: byteCount)
        }
    }

    fileprivate struct Memory: @unchecked Sendable {
        // Sendable: only its owner touches the memory.
        let base: UnsafeMutableRawPointer
        var occupied = 0

        init() {
            // With room to start where huge pages do.
            let count = blockByteCount + hugePageByteCount
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
            let mapped = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
            guard mapped != MAP_FAILED, let mapped else { fatalError("out of memory") }
            base = mapped.alignedUp(toMultipleOf: hugePageByteCount)
            let before = base - mapped
            if before > 0 { munmap(mapped, before) }
            if before < hugePageByteCount { munmap(base + blockByteCount, hugePageByteCount - before) }
        }

        static func wholePages(_ byteCount: Int) -> Int {
            (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
        }

        mutating func prepare(_ byteCount: Int) {
            let end = Self.wholePages(min(byteCount, blockByteCount))
            guard end > occupied else { return }
            let hugeEnd = end / hugePageByteCount * hugePageByteCount
            if hugeEnd > occupied { madvise(base, hugeEnd, MADV_HUGEPAGE) }
            // Older kernels do not know it, and make the pages one by one when they are written.
            madvise(base + occupied, end - occupied, populateForWriting)
            occupied = end
        }

        mutating func trim(to byteCount: Int) {
            let end = Self.wholePages(byteCount)
            guard occupied - end > max(end / 8, minByteCount) else { return }
            madvise(base + end, occupied - end, MADV_DONTNEED)
            occupied = end
        }

        func unmap() { munmap(base, blockByteCount) }
    }

    /// C: `MADV_POPULATE_WRITE`, since Linux 5.14.
    private static let populateForWriting: Int32 = 23

    private struct State {
        var idle: [Memory] = []
        var idleByteCount = 0
        var idleByteLimit: Int
        var lentCount = 0

        /// The smallest block that has the bytes already, else the one that has most.
        mutating func takeIdle(_ byteCount: Int) -> Memory? {
            let best = idle.indices.max { left, right in
                let (a, b) = (idle[left].occupied, idle[right].occupied)
                return a >= byteCount && b >= byteCount ? a > b : a < b
            }
            guard let best else { return nil }
            let memory = idle.remove(at: best)
            idleByteCount -= memory.occupied
            return memory
        }
    }

    private let state: Locked<State>
    /// What objects may take that are being received or wait to be decoded.
    let received = Allowance(limit: .max)

    /// - Parameter idleByteLimit: How much that came back is kept to be lent again.
    init(idleByteLimit: Int) {
        state = Locked(State(idleByteLimit: idleByteLimit))
    }

    deinit {
        state.withLock { state in
            for memory in state.idle { memory.unmap() }
        }
    }

    /// What is kept to be lent again.
    var idleByteCount: Int { state.withLock { $0.idleByteCount } }

    /// How many blocks are lent.
    var lentCount: Int { state.withLock { $0.lentCount } }

    /// Sets how much is kept to be lent again, and how much may be received at once.
    func setLimits(idleByteCount: Int, receivedByteCount: Int) {
        received.setLimit(receivedByteCount)
        state.withLock { $0.idleByteLimit = idleByteCount }
    }

    /// Whether so many bytes, if that is all, are to come from a pool.
    static func serves(_ byteCount: Int) -> Bool { (minByteCount...blockByteCount).contains(byteCount) }

    /// Lends a block with `byteCount` bytes ready to be written.
    func block(for byteCount: Int) -> Block { Block(memory(for: byteCount), self, share: 0) }

    /// Lends a block for an object of a storage, when there is room for one.
    ///
    /// - Parameter isAgain: Whether the caller holds another object, and so must not wait.
    func receivingBlock(for byteCount: Int, isAgain: Bool) -> Block {
        if isAgain { received.takeAnyway(byteCount) } else { received.take(byteCount) }
        return Block(memory(for: byteCount), self, share: byteCount)
    }

    private func memory(for byteCount: Int) -> Memory {
        let found: Memory? = state.withLock { state in
            state.lentCount += 1
            return state.takeIdle(byteCount)
        }
        var memory = found ?? Memory()
        memory.prepare(byteCount)
        return memory
    }

    private func giveBack(_ memory: Memory) {
        let isKept = state.withLock { state in
            state.lentCount -= 1
            guard state.idleByteCount + memory.occupied <= state.idleByteLimit else { return false }
            state.idle.append(memory)
            state.idleByteCount += memory.occupied
            return true
        }
        if !isKept { memory.unmap() }
    }
}
