import Core
import Testing

@testable import RekkordFS

@Suite struct ExitStatusTests {
    @Test("each kind of error has the documented status")
    func table() {
        let expected: [(RekkordError.Kind, Int32)] = [
            (.usage, 64), (.notInitialized, 10), (.key, 12), (.missing, 1), (.corrupted, 1), (.storage, 1),
            (.denied, 1), (.notFound, 1), (.exists, 1), (.system, 1), (.interrupted, 130), (.unsupported, 1),
        ]
        #expect(expected.count == RekkordError.Kind.allCases.count)
        for (kind, status) in expected { #expect(ExitStatus.of(kind) == status) }
    }

    @Test("signals end as in a shell")
    func signals() {
        #expect([1, 2, 15].map { ExitStatus.ofSignal($0) } == [129, 130, 143])
    }
}
