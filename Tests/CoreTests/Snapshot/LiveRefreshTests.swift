import Testing

@testable import Core

/// When the tags of a mounted repository are listed again.
@Suite struct LiveRefreshTests {
    @Test("an interval lies between the beginnings of two listings, and a pause after a slow one")
    func interval() {
        let refresh = LiveRefresh(seconds: 1, now: 0)
        #expect(!refresh.begins(at: 999))
        #expect(refresh.begins(at: 1000))
        #expect(!refresh.begins(at: 1100), "one is running")
        refresh.finish(at: 1200)
        #expect(!refresh.begins(at: 1999))
        #expect(refresh.begins(at: 2000))
        #expect(!refresh.begins(at: 9000), "one is running")
        refresh.finish(at: 9000)
        #expect(!refresh.begins(at: 9999))
        #expect(refresh.begins(at: 10_000))
    }

    @Test("without an interval each look begins one, and with none nothing does")
    func extremes() {
        let each = LiveRefresh(seconds: 0, now: 5)
        for _ in 0..<2 {
            #expect(each.begins(at: 5))
            #expect(!each.begins(at: 5), "one is running")
            each.finish(at: 5)
        }
        #expect(!LiveRefresh(seconds: nil, now: 0).begins(at: .max))
    }
}
