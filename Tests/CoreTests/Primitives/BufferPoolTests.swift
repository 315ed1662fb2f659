import Testing

@testable import Core

@Suite struct BufferPoolTests {
    private static let megabyte = 1 << 20

    @Test("memory that came back is lent again, the fitting block first")
    func reuse() throws {
        let pool = BufferPool(idleByteLimit: 16 * Self.megabyte)
        let (small, large) = addresses(of: pool, Self.megabyte, 3 * Self.megabyte)
        #expect(small != large)
        #expect(pool.lentCount == 0)
        #expect(pool.idleByteCount == 4 * Self.megabyte)
        // In the other order: each finds its like.
        let (again, other) = addresses(of: pool, 3 * Self.megabyte, Self.megabyte)
        #expect(again == large)
        #expect(other == small)
        #expect(pool.idleByteCount == 4 * Self.megabyte)
    }

    /// Where two blocks lie that are lent at once.
    private func addresses(of pool: BufferPool, _ first: Int, _ second: Int)
        -> (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
    {
        let left = pool.block(for: first)
        let right = pool.block(for: second)
        return (left.bytes.baseAddress, right.bytes.baseAddress)
    }

    @Test("no more is kept than the limit allows")
    func idleLimit() {
        let pool = BufferPool(idleByteLimit: 3 * Self.megabyte)
        _ = addresses(of: pool, 2 * Self.megabyte, 2 * Self.megabyte)
        #expect(pool.idleByteCount == 2 * Self.megabyte)
        #expect(pool.lentCount == 0)
    }

    @Test("what was touched is counted, and what is not needed given up")
    func occupied() {
        let pool = BufferPool(idleByteLimit: 16 * Self.megabyte)
        var block = pool.block(for: 1)
        #expect(block.bytes.count == BufferPool.blockByteCount)
        block.bytes[5 * Self.megabyte] = 7
        block.touch(5 * Self.megabyte + 1)
        #expect(block.occupiedByteCount > 5 * Self.megabyte)
        block.trim(to: 2 * Self.megabyte)
        #expect(block.occupiedByteCount == 2 * Self.megabyte)
        // New memory is all zeros: what was there is gone.
        #expect(block.bytes[5 * Self.megabyte] == 0)
        block.trim(to: 2 * Self.megabyte - 1000)
        #expect(block.occupiedByteCount == 2 * Self.megabyte)
    }

    @Test("objects are received as others are given up, and the limit holds")
    func received() throws {
        let pool = BufferPool(idleByteLimit: 0)
        pool.setLimits(idleByteCount: 16 * Self.megabyte, receivedByteCount: 2 * Self.megabyte)
        let excesses = Counter()
        let objects = Counter()
        let workers = try (0..<4).map { _ in
            try WorkerThread(name: "receives") {
                for _ in 0..<50 {
                    let block = pool.receivingBlock(for: Self.megabyte, isAgain: false)
                    block.bytes[0] = 1
                    if pool.received.taken > 2 * Self.megabyte || pool.lentCount > 2 { excesses.add() }
                    objects.add()
                }
            }
        }
        for worker in workers { worker.join() }
        #expect(excesses.value == 0)
        #expect(objects.value == 200)
        #expect(pool.received.taken == 0)
        #expect(pool.idleByteCount <= 2 * Self.megabyte)
    }

    @Test("who holds an object that was damaged gets memory for its like at once")
    func again() {
        let pool = BufferPool(idleByteLimit: 0)
        pool.setLimits(idleByteCount: 0, receivedByteCount: Self.megabyte)
        let first = pool.receivingBlock(for: Self.megabyte, isAgain: false)
        let second = pool.receivingBlock(for: Self.megabyte, isAgain: true)
        #expect(first.bytes.baseAddress != second.bytes.baseAddress)
        #expect(pool.received.taken == 2 * Self.megabyte)
    }

    @Test(
        "buffers of any size hold what was written, and tell what they occupy",
        arguments: [0, 1, 4096, BufferPool.minByteCount - 1, BufferPool.minByteCount, 3 << 20, 11 << 20]
    )
    func buffers(byteCount: Int) {
        let buffer = ByteBuffer(capacity: byteCount) { target in
            for index in stride(from: 0, to: byteCount, by: 997) { target[index] = UInt8(index % 251) }
            return byteCount
        }
        #expect(buffer.count == byteCount)
        #expect(buffer.allocatedByteCount >= byteCount)
        buffer.withBytes { bytes in
            let isRight = stride(from: 0, to: byteCount, by: 997).allSatisfy { bytes[$0] == UInt8($0 % 251) }
            #expect(isRight)
        }
    }
}
