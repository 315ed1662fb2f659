@testable import Core
import TestSupport
import Testing

@Suite struct ScanLockTests {
    private static let daySeconds: Int64 = 86_400

    private func end(_ fixture: ScanFixture, _ name: String) -> Timestamp? {
        fixture.storage.newest(name)?.lock?.until
    }

    private func after(_ fixture: ScanFixture, days: Int64) -> Timestamp {
        fixture.clock.now.advanced(bySeconds: days * Self.daySeconds)
    }

    /// Everything but `cw`: all of it is needed by the samples.
    private func needed(_ fixture: ScanFixture) -> [String] { fixture.storage.names.filter { $0 != "cw" } }

    private var extensions: (ScanFixture) -> [String] {
        { $0.faulty.requests.filter { $0.verb == .extendLock }.map(\.name).sorted() }
    }

    @Test(
        "everything that snapshots need is extended when it must be: blobs, tags, fragments, badges, rekkord"
    )
    func everything() throws {
        let fixture = try ScanFixture(retainDays: 30)
        try fixture.sample(author: fixture.writer())
        fixture.storage.showsLocks = false
        let names = needed(fixture)
        #expect(names.count == 13)
        // Nobody knows of any lock yet.
        let first = try fixture.scan()
        first.expectAllClear()
        #expect(first.locks == ScanReport.Locks(extended: 13, current: 0, failed: 0))
        #expect(extensions(fixture) == names)
        // A tenth of the time is slack.
        fixture.clock.advance(days: 3)
        #expect(try fixture.scan().locks == ScanReport.Locks(extended: 0, current: 13, failed: 0))
        #expect(extensions(fixture) == [])
        fixture.clock.advance(seconds: 1)
        #expect(try fixture.scan().locks == ScanReport.Locks(extended: 13, current: 0, failed: 0))
        for name in names { #expect(end(fixture, name) == after(fixture, days: 30)) }
        #expect(fixture.storage.newest("cw")?.lock == nil)
    }

    @Test(
        "the slack is a day, a tenth of the time or half of it",
        arguments: [(1, 43_200), (2, 86_400), (14, 120_960)]
    )
    func slack(days: Int64, seconds: Int64) throws {
        let fixture = try ScanFixture(retainDays: days)
        try fixture.sample()
        fixture.storage.showsLocks = false
        try fixture.scan().expectAllClear()
        fixture.clock.advance(seconds: seconds)
        #expect(try fixture.scan().locks?.extended == 0)
        fixture.clock.advance(seconds: 1)
        #expect(try fixture.scan().locks?.current == 0)
    }

    @Test("what answers tell of locks spares requests, for a memory that knows nothing too")
    func headers() throws {
        let fixture = try ScanFixture(retainDays: 30)
        try fixture.sample()
        let report = try fixture.scan()
        // The tags are empty and never read; the rest was just written.
        #expect(report.locks == ScanReport.Locks(extended: 2, current: 10, failed: 0))
        #expect(extensions(fixture).allSatisfy { $0.hasPrefix("tags/") })
    }

    @Test("young snapshots that rest on old objects are protected like the rest")
    func oldObjects() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let first = try fixture.sample("web", ageSeconds: 100)
        try fixture.scan().expectAllClear()
        fixture.clock.advance(days: 29)
        try fixture.sample("web")
        try fixture.scan().expectAllClear()
        #expect(end(fixture, first.chunk.objectName) == after(fixture, days: 30))
    }

    @Test("a refusal is followed by one look; a lock that is long enough counts, one that is not fails")
    func refusal() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let sample = try fixture.sample()
        let (long, short) = (sample.whole.id.objectName, sample.link.id.objectName)
        fixture.storage.setLock(long, ObjectLock(mode: .governance, until: after(fixture, days: 300)))
        fixture.faulty.fail { _, request in
            request.verb == .extendLock && [long, short].contains(request.name)
                ? RekkordError(
                    .denied,
                    "cannot extend the lock of '\(request.name)': access denied",
                    hint: "hint"
                )
                : nil
        }
        fixture.storage.setLock(short, ObjectLock(mode: .governance, until: after(fixture, days: 1)))
        // Reading tells nothing, looking does.
        let silent = SilentReads(fixture.faulty)
        let repository = try Repository.open(silent, keys: GoldenKeys.master())
        fixture.faulty.forgetRequests()
        let report = try Scanner(
            repository,
            memory: fixture.memory,
            options: fixture.options,
            isInterrupted: { false },
            warn: { _ in }
        ).run()
        #expect(report.summaries == [])
        #expect(!report.hasDamage && !report.isComplete)
        #expect(report.locks == ScanReport.Locks(extended: 10, current: 1, failed: 1))
        #expect(report.lockErrors.map(\.message) == ["cannot extend the lock of '\(short)': access denied"])
        let looks = fixture.faulty.requests.filter { $0.verb == .state }.map(\.name)
        #expect(looks.sorted() == [long, short].sorted())
        #expect(end(fixture, long) == after(fixture, days: 300))
    }

    @Test("objects in COMPLIANCE stay there, whether that was known or found out")
    func compliance() throws {
        for isShown in [true, false] {
            let fixture = try ScanFixture(retainDays: 30)
            let sample = try fixture.sample()
            let name = sample.chunk.objectName
            fixture.storage.setLock(name, ObjectLock(mode: .compliance, until: after(fixture, days: 2)))
            let storage: any Storage = isShown ? fixture.faulty : SilentReads(fixture.faulty)
            let report = try Scanner(
                Repository.open(storage, keys: GoldenKeys.master()),
                memory: fixture.memory,
                options: fixture.options,
                isInterrupted: { false },
                warn: { _ in }
            ).run()
            report.expectAllClear()
            let lock = fixture.storage.newest(name)?.lock
            #expect(lock == ObjectLock(mode: .compliance, until: after(fixture, days: 30)))
        }
    }

    @Test("locks are never shortened, also when the time in the configuration was")
    func neverShortened() throws {
        let fixture = try ScanFixture(retainDays: 30)
        try fixture.sample()
        let far = after(fixture, days: 400)
        for name in needed(fixture) {
            fixture.storage.setLock(name, ObjectLock(mode: .governance, until: far))
        }
        for _ in 0..<2 {
            try fixture.scan().expectAllClear()
            for name in needed(fixture) { #expect(end(fixture, name) == far) }
        }
        #expect(extensions(fixture) == [])
    }

    @Test("damage and orphans are not extended, and do not keep the rest from it")
    func damage() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let sample = try fixture.sample()
        let orphan = try fixture.test.store(.chunk, Array("nobody's".utf8)).objectName
        let old = end(fixture, orphan)
        let name = sample.chunk.objectName
        fixture.clock.advance(days: 20)
        fixture.storage.rot(name) { $0[60] ^= 1 }
        let report = try fixture.scan()
        #expect(report.summaries == ["decrypt web@0 home/docs/table 5+6"])
        #expect(report.locks == ScanReport.Locks(extended: 11, current: 0, failed: 0))
        #expect(end(fixture, name) == old && end(fixture, orphan) == old)
        for other in needed(fixture) where other != name && other != orphan {
            #expect(end(fixture, other) == after(fixture, days: 30), "\(other)")
        }
    }

    @Test("the version that was verified is extended, and one laid over it is noticed")
    func overlay() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let sample = try fixture.sample()
        let name = sample.whole.id.objectName
        try fixture.scan().expectAllClear()
        let good = try #require(fixture.storage.newest(name)?.lock)
        fixture.clock.advance(days: 5)
        fixture.storage[name] = [1, 2, 3]
        #expect(try fixture.scan().summaries == ["decrypt web@0 home/docs/whole 0+5"])
        #expect(fixture.storage.versions(of: name).map(\.lock) == [good, nil])
        // The same content written once more is a new version with a lock of its own.
        let bytes = try #require(fixture.storage.versions(of: name).first).bytes
        fixture.storage[name] = bytes
        try fixture.scan().expectAllClear()
        #expect(
            fixture.storage.versions(of: name).map(\.lock?.until) == [
                good.until, nil, after(fixture, days: 30),
            ]
        )
    }

    @Test("a version laid over a good one after it was verified is not the one that is extended")
    func lateOverlay() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let sample = try fixture.sample()
        let name = sample.whole.id.objectName
        fixture.clock.advance(days: 5)
        fixture.faulty.fail { [storage = fixture.storage] _, request in
            if request.verb == .extendLock, request.name == "rekkord" { storage[name] = [1, 2, 3] }
            return nil
        }
        try fixture.scan().expectAllClear()
        #expect(fixture.storage.versions(of: name).map(\.lock?.until) == [after(fixture, days: 30), nil])
    }

    @Test("a snapshot without a badge is extended like the others")
    func missingBadge() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let sample = try fixture.sample(ageSeconds: 2 * Self.daySeconds, author: fixture.writer())
        fixture.storage["keys/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"] = nil
        fixture.clock.advance(days: 10)
        let report = try fixture.scan()
        #expect(report.summaries == ["badge"])
        #expect(report.locks == ScanReport.Locks(extended: 12, current: 0, failed: 0))
        #expect(end(fixture, sample.chunk.objectName) == after(fixture, days: 30))
        #expect(fixture.memory.protectedSnapshots() == [:])
    }

    @Test("forged tags are not extended, nor is what they point to")
    func forgedTags() throws {
        let fixture = try ScanFixture(retainDays: 30)
        try fixture.sample(author: fixture.writer())
        let forged = try #require(fixture.storage.names.first { $0.hasPrefix("tags/M/") })
        fixture.storage[String(forged.dropLast(4)) + "AAAA"] = []
        fixture.storage[forged] = nil
        fixture.clock.advance(days: 10)
        let report = try fixture.scan()
        #expect(report.problems.map(\.what.name) == ["signature"])
        #expect(report.locks == nil)
        #expect(extensions(fixture) == [])
    }

    @Test("the memory tells until when each snapshot is protected")
    func protection() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let first = try fixture.sample("web", ageSeconds: 100)
        try fixture.scan().expectAllClear()
        let end = after(fixture, days: 30)
        #expect(fixture.memory.protectedSnapshots() == [first.snapshot: end])
        fixture.clock.advance(days: 1)
        let second = try fixture.sample("web")
        try fixture.scan().expectAllClear()
        // Both rest on the objects of the first day.
        #expect(fixture.memory.protectedSnapshots() == [first.snapshot: end, second.snapshot: end])
        fixture.storage.rot(second.snapshot.objectName) { $0[60] ^= 1 }
        _ = try fixture.scan()
        #expect(fixture.memory.protectedSnapshots() == [first.snapshot: end])
        fixture.storage[first.whole.id.objectName] = nil
        _ = try fixture.scan()
        #expect(fixture.memory.protectedSnapshots() == [:])
    }

    @Test("refusals without end are cut short")
    func givingUp() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let files = try (0..<600).map { try fixture.test.file("f\($0)", "content \($0)") }
        try fixture.test.snapshot("web", milliseconds: ScanFixture.now, files)
        fixture.clock.advance(days: 10)
        fixture.faulty.fail { _, request in
            request.verb == .extendLock || request.verb == .state
                ? RekkordError(.denied, "cannot extend the lock of '\(request.name)': access denied") : nil
        }
        let report = try fixture.scan()
        #expect(report.locks == ScanReport.Locks(extended: 0, current: 0, failed: 604))
        #expect(extensions(fixture).count < 300)
        #expect(report.lockErrors.count == 16)
        #expect(!report.isComplete && !report.hasDamage)
    }

    /// Tells of locks only when looked at, as for somebody whose answers to reads lack them.
    private final class SilentReads: Storage {
        let base: FaultyStorage
        var kind: StorageKind { base.kind }
        var displayURL: String { base.displayURL }
        var retention: ObjectRetention? { base.retention }

        init(_ base: FaultyStorage) { self.base = base }

        func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
            try base.get(name, limit: limit)
        }

        func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject {
            let object = try base.read(name, limit: limit, isAgain: isAgain)
            var state = object.state
            state.lock = nil
            return ReadObject(bytes: object.bytes, state: state)
        }

        func put(
            _ name: String,
            _ bytes: UnsafeRawBufferPointer,
            _ mode: WriteMode
        ) throws(RekkordError) -> WriteOutcome { try base.put(name, bytes, mode) }

        func makeBatch() throws(RekkordError) -> any WriteBatch { try base.makeBatch() }

        func list(
            prefix: String,
            _ body: (StoredObject) throws(RekkordError) -> Void
        ) throws(RekkordError) { try base.list(prefix: prefix, body) }

        func initialize(_ objects: [NewObject]) throws(RekkordError) { try base.initialize(objects) }

        func extendLock(_ name: String, versionID: String?, to lock: ObjectLock) throws(RekkordError) {
            try base.extendLock(name, versionID: versionID, to: lock)
        }

        func state(of name: String, byteCount: Int) throws(RekkordError) -> ObjectState {
            try base.state(of: name, byteCount: byteCount)
        }
    }
}
