import Testing

@testable import Core

@Suite("Reading file after file and folder after folder")
struct SiblingReadingTests {
    @Test("the window starts with the second file and grows when the reader waits")
    func window() {
        var reading = SiblingReading()
        let wanted = [
            reading.note(0, waited: true, count: 100, inherited: 0),
            reading.note(1, waited: true, count: 100, inherited: 0),
            reading.note(2, waited: true, count: 100, inherited: 0),
            reading.note(3, waited: false, count: 100, inherited: 0),
            reading.note(60, waited: true, count: 100, inherited: 0),
        ]
        #expect(wanted == [0..<0, 2..<4, 4..<11, 11..<12, 0..<0])
    }

    @Test("a folder read after others starts with their window")
    func inherited() {
        var reading = SiblingReading()
        let wanted = reading.note(0, waited: false, count: 100, inherited: 8)
        #expect(wanted == 1..<9)
        #expect(reading.window == 8)
    }

    @Test("a folder listed after others were read is fetched from its start, once")
    func listing() {
        var reading = SiblingReading()
        let listed = [
            reading.noteListing(count: 5, inherited: 8), reading.noteListing(count: 5, inherited: 8),
        ]
        let read = reading.note(0, waited: false, count: 5, inherited: 8)
        #expect(listed == [0..<5, 0..<0])
        #expect(read.isEmpty, "all are on their way")
    }

    @Test("a crawl ends with a pause, or when reads jump")
    func crawl() {
        var crawl = Crawl()
        #expect(crawl.window(at: 10_000) == 0)
        crawl.note(4, at: 10_200)
        #expect(crawl.window(at: 10_300) == 4)
        #expect(crawl.window(at: 20_000) == 0)
        crawl.note(0, at: 20_100)
        #expect(crawl.window(at: 20_200) == 0)
    }

    @Test("inode numbers of a folder ascend in stored order and are never 0 or 1")
    func inodes() {
        for seed in 0..<1000 {
            let hash = InodeHash().appending("\(seed)".utf8)
            #expect(hash.inode(at: 0) > 1)
            #expect(hash.inode(at: 0) < hash.inode(at: 1))
            #expect(hash.inode(at: 1) < hash.inode(at: 1_000_000))
        }
    }
}
