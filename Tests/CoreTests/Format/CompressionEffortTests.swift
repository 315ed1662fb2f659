import TestSupport
import Testing

@testable import Core

@Suite struct CompressionEffortTests {
    private let effort = CompressionEffort(level: 9)

    private func level(_ bytes: [UInt8]) -> Int { bytes.withRawBytes { effort.level(for: $0) } }

    @Test("what does not compress gets the least effort, anything else the configured one")
    func levels() {
        var random = SeededRandom(3)
        let noise = random.bytes(1_000_000)
        #expect(level(noise) == CompressionEffort.leastLevel)
        #expect(level([UInt8](repeating: 65, count: 1_000_000)) == 9)
        #expect(level(noise + [UInt8](repeating: 65, count: 2_000_000)) == 9)
        #expect(level(Array(noise[..<1000])) == 9)
        #expect(level([]) == 9)
    }
}
