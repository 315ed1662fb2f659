@testable import Core
import SystemPackage
import TestSupport
import Testing

@Suite struct ScanMemoryTests {
    /// What a scan reads whatever it remembers: snapshot, two folders, list of chunks.
    private func structure(_ sample: ScanFixture.Sample, _ fixture: ScanFixture) throws -> [String] {
        let home = try fixture.test.store([sample.folder])
        return [sample.snapshot, sample.folder.id, sample.table.id, home].map(\.objectName).sorted()
    }

    @Test("every blob is read once, however many snapshots share it")
    func once() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        try fixture.sample("web", ageSeconds: 60)
        try fixture.sample("db", ageSeconds: 60)
        try fixture.scan().expectAllClear()
        let blobs = fixture.storage.names.filter { $0.hasPrefix("blobs/") }
        #expect(fixture.readBlobs == blobs)
        #expect(fixture.faulty.requests.map(\.verb).filter { $0 != .get } == [.list, .list])
    }

    @Test("what was found good is not read again for a week, and its references always are")
    func trust() throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        let structure = try structure(sample, fixture)
        try fixture.scan().expectAllClear()
        let all = fixture.readBlobs
        #expect(all.count == 9)
        fixture.clock.advance(days: 6)
        let report = try fixture.scan()
        report.expectAllClear()
        #expect(report.blobs == ScanReport.Blobs(verified: 4, remembered: 5, damaged: 0, notVerified: 0))
        #expect(fixture.readBlobs == structure)
        fixture.clock.advance(days: 1)
        try fixture.scan().expectAllClear()
        #expect(fixture.readBlobs == all)
        // What is from the future says nothing.
        fixture.clock.advance(days: -3)
        try fixture.scan().expectAllClear()
        #expect(fixture.readBlobs == all)
        var options = fixture.options
        options.maxAgeSeconds = 0
        try fixture.scan(options).expectAllClear()
        #expect(fixture.readBlobs == all)
    }

    @Test("a remembered blob that was replaced, cut or removed is noticed at once, one that rots with time")
    func changes() throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        let name = sample.whole.id.objectName
        let good = try #require(fixture.storage[name])
        let place = "web@0 home/docs/whole 0+5"
        try fixture.scan().expectAllClear()
        fixture.storage[name] = good.map { $0 ^ 1 }
        #expect(try fixture.scan().summaries.map { $0.hasSuffix(place) } == [true])
        fixture.storage[name] = good
        try fixture.scan().expectAllClear()
        fixture.storage.rot(name) { $0.removeLast() }
        #expect(try fixture.scan().summaries == ["decrypt \(place)"])
        fixture.storage[name] = nil
        #expect(try fixture.scan().summaries == ["missing \(place)"])
        fixture.storage[name] = good
        try fixture.scan().expectAllClear()
        fixture.storage.rot(name) { $0[50] ^= 1 }
        try fixture.scan().expectAllClear()
        var options = fixture.options
        options.maxAgeSeconds = 0
        #expect(try fixture.scan(options).summaries == ["decrypt \(place)"])
        // A failure is not remembered, nor what was good before it.
        #expect(try fixture.scan().summaries == ["decrypt \(place)"])
    }

    @Test("a remembered blob must be what it is referred to as, also by those that came later")
    func rememberedReferences() throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        try fixture.scan().expectAllClear()
        let rows = [FileTable.Chunk(offset: 0, byteCount: 5, hash: sample.chunk.hash)]
        let hash = try fixture.test.store(.file, FileTable.encode(rows, size: 5)).hash
        let wrong = [
            TestRepository.entry("a", .link, hash: sample.whole.hash),
            TestRepository.entry("b", .file, hash: hash, size: 5),
        ]
        try fixture.test.snapshot("web", milliseconds: ScanFixture.now, wrong)
        let report = try fixture.scan()
        #expect(report.summaries == ["type web@0 a", "size web@0 b 0+5"])
        #expect(report.blobs.remembered == 5)
    }

    @Test("a scan that is interrupted at any point goes on where it was")
    func resume() throws {
        let fixture = try ScanFixture()
        let files = try (0..<40).map { try fixture.test.file("f\($0)", "content \($0)") }
        try fixture.test.snapshot("web", milliseconds: ScanFixture.now, files)
        var options = fixture.options
        options.threadCount = 1
        var reads: [String: Int] = [:]
        var interruptions = 0
        while true {
            let looks = Counter()
            do {
                let report = try fixture.scan(options) {
                    looks.add()
                    return looks.value > 12
                }
                report.expectAllClear()
                break
            } catch let error as RekkordError {
                #expect(error.kind == .interrupted)
                interruptions += 1
            }
            for name in fixture.readBlobs where name.hasPrefix("blobs/R/") { reads[name, default: 0] += 1 }
            try #require(interruptions < 20)
        }
        for name in fixture.readBlobs where name.hasPrefix("blobs/R/") { reads[name, default: 0] += 1 }
        #expect(interruptions > 2)
        #expect(reads.count == 40)
        // Those that were under way when it was interrupted are lost.
        #expect(reads.values.reduce(0, +) <= 40 + 3 * interruptions)
    }

    @Test("the memory outlives the process and a new cache ID, and ends with reset")
    func persistence() throws {
        let folder = try TemporaryDirectory()
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        func memory() throws -> ScanMemory { try ScanMemory(folder: folder.path) { Issue.record("\($0)") } }
        #expect(!ScanMemory.exists(in: folder.path))
        try fixture.scan(memory: memory()).expectAllClear()
        try fixture.test.repository.changeCacheID()
        #expect(ScanMemory.exists(in: folder.path))
        try fixture.scan(memory: memory()).expectAllClear()
        #expect(fixture.readBlobs == (try structure(sample, fixture)))
        try memory().reset()
        try fixture.scan(memory: memory()).expectAllClear()
        #expect(fixture.readBlobs.count == 9)
    }

    @Test("two scans may use one memory at the same time")
    func sharing() throws {
        let folder = try TemporaryDirectory()
        let fixture = try ScanFixture()
        try fixture.sample()
        let failures = Counter()
        let (storage, options) = (fixture.storage, fixture.options)
        let threads = try (0..<4).map { _ in
            try WorkerThread(name: "scan") {
                for _ in 0..<5 {
                    let memory = try? ScanMemory(folder: folder.path) { _ in failures.add() }
                    guard let memory, let keys = try? GoldenKeys.master(),
                        let repository = try? Repository.open(storage, keys: keys),
                        let report = try? Scanner(
                            repository,
                            memory: memory,
                            options: options,
                            isInterrupted: { false },
                            warn: { _ in failures.add() }
                        ).run(), report.problems.isEmpty, report.blobs.checked == 9
                    else {
                        failures.add()
                        continue
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.value == 0)
    }

    @Test("a memory that is damaged is set aside with one warning")
    func damaged() throws {
        let folder = try TemporaryDirectory()
        try folder.write(ScanMemory.fileName, [UInt8](repeating: 7, count: 5000))
        let lines = ScanFixture.Collector()
        let memory = try ScanMemory(folder: folder.path) { lines.add($0) }
        #expect(lines.lines.count == 1)
        #expect(lines.lines.first?.contains("database is damaged, set aside as ") == true)
        let fixture = try ScanFixture()
        try fixture.sample()
        try fixture.scan(memory: memory).expectAllClear()
    }
}
