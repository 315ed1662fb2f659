import Testing

@testable import Core

@Suite struct MountMemoryTests {
    @Test(
        "what is kept and what is on its way never exceed the cache size and 16 MB",
        arguments: [1, 2, 8, 128]
    )
    func sum(processorCount: Int) {
        for connectionCount in [1, 4, 16, 64] {
            for megabytes in [0, 1, 16, 64, 256, 512, 16_384] {
                let memory = MountMemory(
                    cacheByteCount: megabytes << 20,
                    connectionCount: connectionCount,
                    processorCount: processorCount
                )
                #expect(memory.byteCount <= (megabytes + 16) << 20)
                #expect((1...processorCount).contains(memory.decoderCount))
                // At least three quarters are kept, and there is always room for a large object.
                #expect(memory.keptByteCount >= (megabytes << 20) / 4 * 3)
                #expect(memory.receivedByteCount >= 8 << 20)
                #expect(memory.writtenByteCount < memory.receivedByteCount)
            }
        }
    }

    @Test("many connections to large objects fit beside a large cache")
    func large() {
        let memory = MountMemory(cacheByteCount: 512 << 20, connectionCount: 32, processorCount: 2)
        #expect(memory.receivedByteCount >= 32 * (4 << 20))
        #expect(memory.decoderCount == 2)
    }
}
