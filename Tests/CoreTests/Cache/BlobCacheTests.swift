import Testing
import TestSupport

@testable import Core

/// Runs loads when told to, on the thread of the test.
private final class ManualLanes: Sendable {
    private let jobs = Locked<[(lane: LoadLane, job: LoadLanes.Job)]>([])
    let refusesSpeculation = Locked(false)

    func schedule(_ lane: LoadLane, _ job: @escaping LoadLanes.Job) -> Bool {
        if lane == .speculation, refusesSpeculation.withLock({ $0 }) { return false }
        jobs.withLock { $0.append((lane, job)) }
        return true
    }

    var lanes: [LoadLane] { jobs.withLock { $0.map(\.lane) } }

    /// Runs everything, what is added meanwhile included.
    func runAll() {
        while let next = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { next.job {} }
    }
}

@Suite struct BlobCacheTests {
    private let lanes = ManualLanes()
    private let loads = Box<[ObjectID]>([])
    private let failing = Box<Set<ObjectID>>([])
    private let clock = Box<Int64>(0)
    private let answers = Box<[String]>([])

    private func cache(byteLimit: Int, cost: Int = 10) -> BlobCache<String> {
        BlobCache(
            byteLimit: byteLimit,
            schedule: { [lanes] in lanes.schedule($0, $1) },
            now: { [clock] in clock.withLock { $0 } },
            load: { [loads, failing] (id, _) throws(RekkordError) in
                loads.withLock { $0.append(id) }
                if failing.withLock({ $0.contains(id) }) { throw RekkordError(.corrupted, "bad") }
                return (id.description, cost)
            }
        )
    }

    private static func id(_ number: UInt8, _ catalog: ObjectID.Catalog = .raw) -> ObjectID {
        // Numbers of one shard and of others.
        let bytes = (0..<32).map { $0 == 7 ? number : UInt8($0 == 31 ? number : 0) }
        return ObjectID(catalog, Hash32(bytes) ?? .zero)
    }

    private func fetch(_ cache: BlobCache<String>, _ id: ObjectID, _ lane: LoadLane = .demand) -> String {
        let lookup = cache.fetch(id, lane) { [answers] outcome in
            switch outcome {
            case .success(let value): answers.withLock { $0.append(value) }
            case .failure(let error): answers.withLock { $0.append(error.message) }
            }
        }
        switch lookup {
        case .found: return "found"
        case .failed: return "failed"
        case .loading: return "loading"
        }
    }

    @Test("a blob is loaded once however many wait, and each is told once")
    func singleFlight() {
        let cache = cache(byteLimit: 100)
        for _ in 0..<5 { #expect(fetch(cache, Self.id(1)) == "loading") }
        lanes.runAll()
        #expect(loads.withLock { $0.count } == 1)
        #expect(answers.withLock { $0 } == Array(repeating: Self.id(1).description, count: 5))
        #expect(fetch(cache, Self.id(1)) == "found")
        #expect(cache.value(for: Self.id(1)) == Self.id(1).description)
    }

    @Test("a failure is told to each waiter, believed for a moment, and then tried again")
    func failures() {
        let cache = cache(byteLimit: 100)
        failing.withLock { _ = $0.insert(Self.id(1)) }
        for _ in 0..<3 { _ = fetch(cache, Self.id(1)) }
        lanes.runAll()
        #expect(answers.withLock { $0 } == ["bad", "bad", "bad"])
        #expect(fetch(cache, Self.id(1)) == "failed")
        failing.withLock { $0 = [] }
        clock.withLock { $0 += BlobCache<String>.failureMilliseconds }
        #expect(fetch(cache, Self.id(1)) == "loading")
        lanes.runAll()
        #expect(cache.value(for: Self.id(1)) != nil)
        #expect(BlobCache<String>.failureMilliseconds <= 5000)
    }

    @Test("the blob unused for longest goes first, and the limit holds")
    func eviction() {
        let cache = cache(byteLimit: 50)
        for number in 1...5 as ClosedRange<UInt8> { _ = fetch(cache, Self.id(number)) }
        lanes.runAll()
        _ = cache.value(for: Self.id(1))
        _ = fetch(cache, Self.id(6))
        lanes.runAll()
        #expect(cache.value(for: Self.id(1)) != nil)
        #expect(cache.value(for: Self.id(2)) == nil)
        #expect(cache.byteCount == 50)
    }

    @Test("metadata goes last, but holds no more than half when others want it")
    func metadata() {
        let cache = cache(byteLimit: 100)
        for number in 1...4 as ClosedRange<UInt8> { _ = fetch(cache, Self.id(number, .metadata), .metadata) }
        for number in 10...40 as ClosedRange<UInt8> { _ = fetch(cache, Self.id(number)) }
        lanes.runAll()
        for number in 1...4 as ClosedRange<UInt8> {
            #expect(cache.value(for: Self.id(number, .metadata)) != nil)
        }
        for number in 5...20 as ClosedRange<UInt8> { _ = fetch(cache, Self.id(number, .metadata), .metadata) }
        lanes.runAll()
        let kept = (1...20 as ClosedRange<UInt8>).filter { cache.value(for: Self.id($0, .metadata)) != nil }
        #expect(kept.count == 5)
        #expect(cache.byteCount == 100)
    }

    @Test("a blob larger than the limit stays until another comes")
    func oversized() {
        let cache = cache(byteLimit: 5)
        _ = fetch(cache, Self.id(1))
        lanes.runAll()
        #expect(cache.value(for: Self.id(1)) != nil)
        _ = fetch(cache, Self.id(2))
        lanes.runAll()
        #expect(cache.value(for: Self.id(1)) == nil)
        #expect(cache.value(for: Self.id(2)) != nil)
    }

    @Test("a prefetch that somebody waits for moves to the lane of those who wait, and is loaded once")
    func promotion() {
        let cache = cache(byteLimit: 100)
        #expect(cache.prefetch(Self.id(1)) { true } == .queued)
        #expect(cache.prefetch(Self.id(1)) { true } == .present)
        #expect(fetch(cache, Self.id(1)) == "loading")
        #expect(lanes.lanes == [.speculation, .demand])
        lanes.runAll()
        #expect(loads.withLock { $0.count } == 1)
        #expect(answers.withLock { $0.count } == 1)
    }

    @Test("a prefetch that nobody wants any more is dropped, unless somebody waits")
    func unwanted() {
        let cache = cache(byteLimit: 100)
        #expect(cache.prefetch(Self.id(1)) { false } == .queued)
        #expect(cache.prefetch(Self.id(2)) { false } == .queued)
        _ = fetch(cache, Self.id(2))
        lanes.runAll()
        #expect(loads.withLock { $0 } == [Self.id(2)])
        #expect(answers.withLock { $0.count } == 1)
    }

    @Test("a prefetch without room is refused and leaves nothing behind")
    func refused() {
        let cache = cache(byteLimit: 100)
        lanes.refusesSpeculation.withLock { $0 = true }
        #expect(cache.prefetch(Self.id(1)) { true } == .refused)
        #expect(fetch(cache, Self.id(1)) == "loading")
        lanes.runAll()
        #expect(answers.withLock { $0.count } == 1)
    }

    @Test("waiters without progress are told, and the load still serves later readers")
    func overdue() {
        let cache = cache(byteLimit: 100)
        _ = fetch(cache, Self.id(1))
        clock.withLock { $0 += 14_999 }
        cache.failOverdue(after: 15_000)
        #expect(answers.withLock { $0.isEmpty })
        clock.withLock { $0 += 1 }
        cache.failOverdue(after: 15_000)
        #expect(answers.withLock { $0 } == ["no answer from the storage for 15 s"])
        lanes.runAll()
        #expect(answers.withLock { $0.count } == 1)
        #expect(cache.value(for: Self.id(1)) != nil)
    }

    @Test("what is nearby is found without a load, by threads that loads cannot hold up")
    func nearby() {
        let near = ManualLanes()
        let known = Box<Set<ObjectID>>([Self.id(1)])
        let cache = BlobCache<String>(
            byteLimit: 100,
            nearby: .init(schedule: { near.schedule($0, $1) }) { id in
                known.withLock { $0.contains(id) } ? ("near", 10) : nil
            },
            schedule: { [lanes] in lanes.schedule($0, $1) },
            load: { [loads] (id, _) throws(RekkordError) in
                loads.withLock { $0.append(id) }
                return ("far", 10)
            }
        )
        #expect(fetch(cache, Self.id(1)) == "loading")
        #expect(fetch(cache, Self.id(2, .metadata), .metadata) == "loading")
        #expect(cache.prefetch(Self.id(3)) { true } == .queued)
        #expect(lanes.lanes.isEmpty)
        near.runAll()
        // The storage does not answer, and what is nearby was answered.
        #expect(answers.withLock { $0 } == ["near"])
        #expect(lanes.lanes == [.metadata, .speculation])
        // Somebody joins between the steps: the load gets more urgent, and happens once.
        #expect(fetch(cache, Self.id(3)) == "loading")
        lanes.runAll()
        #expect(loads.withLock { $0.count } == 2)
        #expect(answers.withLock { $0 } == ["near", "far", "far"])
        #expect(cache.counters.loads.value == 2)
    }

    @Test("blobs fetched ahead are counted as used by their first reader, or as wasted")
    func wastedPrefetches() {
        let cache = cache(byteLimit: 30)
        for number in 1...3 as ClosedRange<UInt8> { cache.prefetch(Self.id(number)) { true } }
        lanes.runAll()
        _ = cache.value(for: Self.id(2))
        _ = cache.value(for: Self.id(2))
        #expect(cache.counters.prefetchedBytes.value == 30)
        #expect(cache.counters.usedPrefetches.value == 1)
        for number in 4...6 as ClosedRange<UInt8> { _ = fetch(cache, Self.id(number)) }
        lanes.runAll()
        #expect(cache.counters.wastedPrefetches.value == 2)
        #expect(cache.counters.wastedBytes.value == 20)
        #expect(cache.counters.usedPrefetches.value == 1)
    }

    @Test("as many loads run at once as there are threads, and speculation leaves one of them")
    func laneThreads() throws {
        let lanes = try LoadLanes(connectionCount: 4)
        let gate = BoundedQueue<Bool>(capacity: 100)
        let started = BoundedQueue<LoadLane>(capacity: 100)
        func schedule(_ lane: LoadLane, _ count: Int) {
            for _ in 0..<count {
                _ = lanes.schedule(lane) { _ in
                    started.push(lane)
                    _ = gate.pop()
                }
            }
        }
        schedule(.speculation, 8)
        for _ in 0..<3 { #expect(started.pop() == .speculation) }
        schedule(.demand, 1)
        // The fourth thread is free for whoever waits, and nobody else had it.
        #expect(started.pop() == .demand)
        schedule(.demand, 1)
        schedule(.metadata, 1)
        #expect(started.tryPop() == nil)
        gate.push(true)
        #expect(started.pop() == .metadata)
        gate.push(true)
        #expect(started.pop() == .demand)
        for _ in 0..<9 { gate.push(true) }
        lanes.stop()
        #expect((0..<5).allSatisfy { _ in started.tryPop() == .speculation })
        #expect(started.tryPop() == nil)
    }

    @Test("speculation alone has all connections after a while, until somebody waits")
    func quietLanes() throws {
        let connectionCount = 3
        let lanes = try LoadLanes(connectionCount: connectionCount)
        let gate = BoundedQueue<Bool>(capacity: 100)
        let demandGate = BoundedQueue<Bool>(capacity: 100)
        let started = BoundedQueue<LoadLane>(capacity: 100)
        func schedule(_ lane: LoadLane, _ count: Int) {
            for _ in 0..<count {
                _ = lanes.schedule(lane) { _ in
                    started.push(lane)
                    _ = (lane == .demand ? demandGate : gate).pop()
                }
            }
        }
        let quietCount = LoadLanes.quietLoadsPerConnection * connectionCount
        schedule(.speculation, quietCount + connectionCount)
        // Two at a time; the last of them finds no other in its way.
        for _ in 0..<quietCount {
            #expect(started.pop() == .speculation)
            gate.push(true)
        }
        for _ in 0..<connectionCount { #expect(started.pop() == .speculation) }
        schedule(.demand, 1)
        #expect(started.tryPop() == nil)
        gate.push(true)
        #expect(started.pop() == .demand)
        schedule(.speculation, 4)
        gate.push(true)
        #expect(started.pop() == .speculation)
        // Two and the demanded one are at work; when that is done, its connection is for whoever waits next.
        demandGate.push(true)
        #expect(started.tryPop() == nil)
        for _ in 0..<10 { gate.push(true) }
        lanes.stop()
    }

    @Test("who decodes does not hold a connection")
    func decoders() throws {
        let lanes = try LoadLanes(connectionCount: 2, decoderCount: 2)
        let gate = BoundedQueue<Bool>(capacity: 100)
        let started = BoundedQueue<Int>(capacity: 100)
        func schedule(_ number: Int, decodes: Bool) {
            _ = lanes.schedule(.demand) { received in
                started.push(number)
                if decodes { received() }
                _ = gate.pop()
            }
        }
        for number in 0..<2 { schedule(number, decodes: true) }
        for number in 2..<5 { schedule(number, decodes: false) }
        let first = (0..<4).compactMap { _ in started.pop() }
        #expect(first.sorted() == [0, 1, 2, 3])
        // Both connections are in use and both decoders busy; whichever ends, the fifth has its turn once.
        #expect(started.tryPop() == nil)
        for _ in 0..<4 { gate.push(true) }
        #expect(started.pop() == 4)
        gate.push(true)
        lanes.stop()
        #expect(started.tryPop() == nil)
    }

    @Test("many threads get right values while blobs come and go")
    func threads() throws {
        let lanes = try LoadLanes(connectionCount: 2)
        let cache = BlobCache<String>(byteLimit: 200, schedule: { lanes.schedule($0, $1) }) { id, _ in
            (id.description, 10)
        }
        let wrong = Counter()
        let told = Counter()
        let asked = Counter()
        var workers: [WorkerThread] = []
        for seed in 1...4 as ClosedRange<UInt64> {
            workers.append(
                try WorkerThread(name: "reader") {
                    var random = SeededRandom(seed)
                    for _ in 0..<5000 {
                        let id = Self.id(UInt8(random.next() % 60), random.next() % 2 == 0 ? .raw : .metadata)
                        let check: BlobCache<String>.Waiter = { outcome in
                            told.add()
                            if (try? outcome.get()) != id.description { wrong.add() }
                        }
                        switch cache.fetch(id, .demand, check) {
                        case .found(let value): if value != id.description { wrong.add() }
                        case .failed: wrong.add()
                        case .loading: asked.add()
                        }
                    }
                }
            )
        }
        for worker in workers { worker.join() }
        lanes.stop()
        #expect(wrong.value == 0)
        #expect(told.value == asked.value)
        #expect(cache.byteCount <= 200)
    }
}

/// A value that the test and the cache's closures share.
private final class Box<Value: Sendable>: Sendable {
    private let value: Locked<Value>

    init(_ value: Value) {
        self.value = Locked(value)
    }

    func withLock<R>(_ body: (inout Value) -> R) -> R { value.withLock(body) }
}
