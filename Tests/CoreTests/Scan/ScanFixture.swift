@testable import Core
import TestSupport
import Testing

/// A repository in memory, a memory of scans, and a clock; every scan is a new one.
struct ScanFixture {
    /// The time of the newest snapshots.
    static let now: Int64 = 1_767_619_231_000

    let clock = TestClock(Timestamp(milliseconds: now))
    let storage: MemoryStorage
    let faulty: FaultyStorage
    let test: TestRepository
    let memory: ScanMemory
    let warnings = Collector()
    var options = ScanOptions()

    /// Collects lines of any thread.
    final class Collector: Sendable {
        private let items = Locked<[String]>([])
        var lines: [String] { items.withLock { $0 } }
        func add(_ line: String) { items.withLock { $0.append(line) } }
    }

    /// The content of the sample tree.
    struct Sample {
        let whole: Entry
        let table: Entry
        let link: Entry
        let folder: Entry
        let snapshot: ObjectID
        /// The second chunk of `table`.
        let chunk: ObjectID
    }

    init(retainDays: Int64? = nil, mode: S3Settings.RetainMode = .governance) throws {
        let retention = retainDays.map { ObjectRetention(mode: mode, seconds: $0 * 86_400) }
        storage = MemoryStorage(retention: retention, clock: clock)
        test = try TestRepository(storage)
        faulty = FaultyStorage(storage)
        memory = try ScanMemory { Issue.record("\($0)") }
        options.threadCount = 4
        options.clock = { [clock] in clock.now }
    }

    /// Stores `home/docs` with a file of one chunk, one of three, and a link, and a snapshot of it.
    @discardableResult
    func sample(_ channel: String = "web", ageSeconds: Int64 = 0, author: Repository? = nil) throws -> Sample
    {
        let whole = try test.file("whole", "alone")
        let table = try test.table("table", ["first", "second", "third"])
        let link = try test.link("link", "target")
        let folder = try test.folder("docs", [link, table, whole])
        let root = TestRepository.rooted(try test.folder("home", [folder]), "home")
        let milliseconds = Self.now - ageSeconds * 1000
        let snapshot = try test.snapshot(channel, milliseconds: milliseconds, [root], author: author)
        let chunk = test.repository.identify(.chunk, "second")
        return Sample(
            whole: whole,
            table: table,
            link: link,
            folder: folder,
            snapshot: snapshot,
            chunk: chunk
        )
    }

    /// The repository as a derived key sees it.
    func writer(_ type: KeyType = .writeOnly) throws -> Repository {
        try Repository.open(storage, keys: GoldenKeys.derived(type).keys)
    }

    /// Runs a new scan with the key, counting requests from its start.
    func scan(
        _ options: ScanOptions? = nil,
        memory: ScanMemory? = nil,
        keys: KeySet? = nil,
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) throws -> ScanReport {
        let repository = try Repository.open(faulty, keys: keys ?? GoldenKeys.master())
        faulty.forgetRequests()
        return try Scanner(
            repository,
            memory: memory ?? self.memory,
            options: options ?? self.options,
            isInterrupted: isInterrupted,
            warn: { [warnings] in warnings.add($0) }
        ).run()
    }

    /// The blobs that were read since the scan began, sorted, each as often as it was.
    var readBlobs: [String] {
        faulty.requests.filter { $0.verb == .get && $0.name.hasPrefix("blobs/") }.map(\.name).sorted()
    }
}

extension Repository {
    func identify(_ type: BlobType, _ text: String) -> ObjectID {
        Array(text.utf8).withRawBytes { identify(type, $0) }
    }
}

extension Entry {
    /// The blob of an entry that has one.
    var id: ObjectID { objectID ?? ObjectID(.raw, .zero) }
}

extension ScanProblem {
    /// What, where and which bytes, for comparing.
    var summary: String {
        var text = what.name
        if let channel, let time {
            text += " \(PrintedName.escape(channel))@\((ScanFixture.now - time.milliseconds) / 1000)"
        }
        if let path { text += " " + PrintedName.escape(path) }
        if let extent { text += " \(extent.offset)+\(extent.byteCount)" }
        if snapshots > 1 { text += " ×\(snapshots)" }
        return text
    }
}

extension ScanReport {
    var summaries: [String] { problems.map(\.summary) }

    /// Expects that nothing is wrong.
    func expectAllClear(_ location: SourceLocation = #_sourceLocation) {
        #expect(summaries == [], sourceLocation: location)
        #expect(!hasDamage && isComplete, sourceLocation: location)
        #expect(damagedSnapshots == 0 && unusableTags == 0, sourceLocation: location)
        #expect(blobs.damaged == 0 && blobs.notVerified == 0, sourceLocation: location)
    }
}
