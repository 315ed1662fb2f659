import Testing

@testable import Core

@Suite struct ParallelMapTests {
    @Test("results come in order, each element once", arguments: [0, 1, 63, 64, 127, 128, 129, 1000, 4097])
    func order(count: Int) {
        let calls = Counter()
        let results = Array(0..<count).parallelMap { element in
            calls.add()
            return element * 2
        }
        #expect(results == (0..<count).map { $0 * 2 })
        #expect(calls.value == count)
    }
}
