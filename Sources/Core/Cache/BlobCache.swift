import Synchronization

/// Keeps decoded blobs in memory, bounded by bytes, and loads each at most once at a time.
///
/// However many readers ask for a blob that is not there, it is loaded once, and each of them is told the
/// outcome exactly once. A failed load is told to its waiters and remembered for a moment, so that a reader
/// that tries each page of a damaged chunk does not load it for each.
///
/// A load has up to two steps, each with threads of its own: where the blob may be found nearby, and where it comes
/// from. So whatever is nearby stays at hand while everybody else waits for a storage that does not answer.
///
/// The blob unused for longest goes first; blobs of the metadata catalog go last, but never hold more than half
/// of the memory when others want it. The newest of either kind stays whatever it costs. Memory that callers
/// still refer to is theirs and does not count.
public final class BlobCache<Value: Sendable>: Sendable {
    /// Fetches and decodes one blob; `byteCount` is the memory that the value occupies.
    ///
    /// - Parameter received: May be called between both; see `LoadLanes.Job`.
    public typealias Loader =
        @Sendable (ObjectID, _ received: () -> Void) throws(RekkordError) -> (
            value: Value, byteCount: Int
        )
    /// Is told the outcome of a load, on the thread that loaded.
    public typealias Waiter = @Sendable (Result<Value, RekkordError>) -> Void
    /// Looks for one blob nearby; nil when it has to be loaded.
    public typealias Finder = @Sendable (ObjectID) -> (value: Value, byteCount: Int)?
    /// Runs a job soon, on another thread and without waiting; false when it will not.
    public typealias Scheduler = @Sendable (LoadLane, @escaping LoadLanes.Job) -> Bool

    /// The step before a load: what is nearby, and the threads that look.
    public struct Nearby: Sendable {
        let schedule: Scheduler
        let find: Finder

        /// Joins both.
        public init(schedule: @escaping Scheduler, find: @escaping Finder) {
            self.schedule = schedule
            self.find = find
        }
    }

    private enum Step {
        case find, load
    }

    /// What `fetch` found.
    public enum Lookup {
        /// The blob is in memory; the waiter is not used.
        case found(Value)
        /// It could not be loaded a moment ago; the waiter is not used.
        case failed(RekkordError)
        /// It is being loaded; the waiter will be told.
        case loading
    }

    /// How long a failure is believed.
    static var failureMilliseconds: Int64 { 3000 }
    private static var shardCount: Int { 16 }
    /// After so many bytes in small pieces were evicted, what they leave free is given back.
    private static var returnedByteCount: Int { 8 << 20 }

    /// One load under way.
    ///
    /// All `var`s are protected by the lock of the shard.
    private final class Flight: @unchecked Sendable {
        let id: ObjectID
        let isWanted: (@Sendable () -> Bool)?
        var lane: LoadLane
        /// Which step is queued or running.
        var step: Step
        var waiters: [Waiter] = []
        var isQueued = true
        var since: Int64

        init(_ id: ObjectID, _ step: Step, lane: LoadLane, isWanted: (@Sendable () -> Bool)?, now: Int64) {
            self.id = id
            self.step = step
            self.lane = lane
            self.isWanted = isWanted
            since = now
        }
    }

    private enum Beginning {
        case done(Lookup)
        case start(Flight, Step)
    }

    private struct ShardState {
        /// By catalog: metadata, raw.
        var lists = [RecencyList<ObjectID, Value>(), RecencyList<ObjectID, Value>()]
        var flights: [ObjectID: Flight] = [:]
        var failures: [ObjectID: (error: RekkordError, until: Int64)] = [:]
        /// Blobs that were loaded ahead of need and not used yet, with their bytes.
        var unused: [ObjectID: Int] = [:]

        /// The blob, if it is here; notes its use.
        mutating func use(_ id: ObjectID, stamp: UInt64, _ counters: BlobCacheCounters) -> Value? {
            guard let value = lists[Int(id.catalog.rawValue)].use(id, stamp: stamp) else { return nil }
            if !unused.isEmpty, unused.removeValue(forKey: id) != nil { counters.usedPrefetches.add() }
            return value
        }
    }

    private final class Shard: Sendable {
        let state = Locked(ShardState())
        // Copies of `oldestStamp` of the two lists, `UInt64.max` when empty, to choose a shard without locking.
        let oldestMetadata = Atomic<UInt64>(.max)
        let oldestRaw = Atomic<UInt64>(.max)

        func oldest(_ catalog: ObjectID.Catalog) -> UInt64 {
            switch catalog {
            case .metadata: oldestMetadata.load(ordering: .relaxed)
            case .raw: oldestRaw.load(ordering: .relaxed)
            }
        }

        func publish(_ state: borrowing ShardState) {
            oldestMetadata.store(state.lists[0].oldestStamp ?? .max, ordering: .relaxed)
            oldestRaw.store(state.lists[1].oldestStamp ?? .max, ordering: .relaxed)
        }
    }

    /// The memory that values may take.
    public let byteLimit: Int
    /// What happened so far.
    public let counters = BlobCacheCounters()

    private let shards: [Shard]
    private let stamp = Atomic<UInt64>(1)
    private let metadataUse = Usage()
    private let rawUse = Usage()
    private let lastCompletion: Atomic<Int64>
    /// How much metadata was evicted since the memory was given back.
    private let evictedMetadata = Atomic<Int>(0)
    private let nearby: Nearby?
    private let schedule: Scheduler
    private let load: Loader
    private let now: @Sendable () -> Int64

    private final class Usage: Sendable {
        let byteCount = Atomic<Int>(0)
        let count = Atomic<Int>(0)
    }

    /// Makes an empty cache.
    ///
    /// - Parameters:
    ///   - byteLimit: Folders included.
    ///   - nearby: Where to look before a load; nil when there is no such place.
    ///   - schedule: Where loads run, `LoadLanes.schedule` outside tests.
    ///   - now: A clock in milliseconds that never jumps.
    ///   - load: Called on scheduled threads, concurrently.
    public init(
        byteLimit: Int,
        nearby: Nearby? = nil,
        schedule: @escaping Scheduler,
        now: @escaping @Sendable () -> Int64 = MonotonicTime.milliseconds,
        load: @escaping Loader
    ) {
        self.byteLimit = byteLimit
        self.nearby = nearby
        self.schedule = schedule
        self.load = load
        self.now = now
        lastCompletion = Atomic(now())
        shards = (0..<Self.shardCount).map { _ in Shard() }
    }

    /// The memory that values take now.
    public var byteCount: Int {
        metadataUse.byteCount.load(ordering: .relaxed) + rawUse.byteCount.load(ordering: .relaxed)
    }

    /// The blob, if it is in memory.
    public func value(for id: ObjectID) -> Value? {
        let shard = shard(for: id)
        let stamp = nextStamp()
        let value = shard.state.withLock { state in
            let value = state.use(id, stamp: stamp, counters)
            if value != nil { shard.publish(state) }
            return value
        }
        if value != nil { counters.hits.add() }
        return value
    }

    /// The blob, if it is in memory, for somebody who only looks: it is not used by that.
    func peek(_ id: ObjectID) -> Value? {
        shard(for: id).state.withLock { $0.lists[Int(id.catalog.rawValue)].peek(id) }
    }

    /// The blob if it is in memory, else starts or joins its load.
    public func fetch(_ id: ObjectID, _ lane: LoadLane, _ waiter: @escaping Waiter) -> Lookup {
        let shard = shard(for: id)
        let now = now()
        let stamp = nextStamp()
        let beginning: Beginning = shard.state.withLock { state in
            if let value = state.use(id, stamp: stamp, counters) {
                shard.publish(state)
                return .done(.found(value))
            }
            if let failure = state.failures[id] {
                if failure.until > now { return .done(.failed(failure.error)) }
                state.failures[id] = nil
            }
            if let flight = state.flights[id] {
                flight.waiters.append(waiter)
                guard flight.isQueued, flight.lane == .speculation else { return .done(.loading) }
                // Somebody waits now: queue it again where that counts. The first to start it wins.
                flight.lane = lane
                flight.since = now
                return .start(flight, flight.step)
            }
            let flight = Flight(id, firstStep, lane: lane, isWanted: nil, now: now)
            flight.waiters.append(waiter)
            state.flights[id] = flight
            return .start(flight, firstStep)
        }
        switch beginning {
        case .done(let lookup):
            if case .found = lookup { counters.hits.add() }
            return lookup
        case .start(let flight, let step):
            counters.misses.add()
            if !queue(flight, step, lane) { finish(flight, .failure(Self.ending)) }
            return .loading
        }
    }

    private static var ending: RekkordError { RekkordError(.interrupted, "the mount is ending") }

    private var firstStep: Step { nearby == nil ? .load : .find }

    private func queue(_ flight: Flight, _ step: Step, _ lane: LoadLane) -> Bool {
        let schedule = step == .find ? nearby?.schedule ?? schedule : schedule
        return schedule(lane) { self.run(flight, step, received: $0) }
    }

    /// What `prefetch` did.
    public enum Prefetch {
        /// The blob is in memory or on its way, or could not be loaded a moment ago.
        case present
        /// Its load was queued.
        case queued
        /// There is no room in the lane.
        case refused
    }

    /// Loads the blob ahead of need, unless `isWanted` says no when its turn comes and nobody waits for it.
    @discardableResult
    public func prefetch(_ id: ObjectID, isWanted: @escaping @Sendable () -> Bool) -> Prefetch {
        let shard = shard(for: id)
        let now = now()
        let flight: Flight? = shard.state.withLock { state in
            let isKnown =
                state.lists[Int(id.catalog.rawValue)].peek(id) != nil || state.flights[id] != nil
                || (state.failures[id].map { $0.until > now } ?? false)
            guard !isKnown else { return nil }
            let flight = Flight(id, firstStep, lane: .speculation, isWanted: isWanted, now: now)
            state.flights[id] = flight
            return flight
        }
        guard let flight else { return .present }
        if queue(flight, firstStep, .speculation) {
            counters.prefetches.add()
            return .queued
        }
        drop(flight)
        return .refused
    }

    /// Answers every waiter whose blob made no progress for `milliseconds`; the loads go on for later readers.
    public func failOverdue(after milliseconds: Int64) {
        let now = now()
        let completion = lastCompletion.load(ordering: .relaxed)
        for shard in shards {
            let waiters = shard.state.withLock { state in
                var overdue: [Waiter] = []
                for flight in state.flights.values where !flight.waiters.isEmpty {
                    // As long as others finish, one that is queued will have its turn.
                    let progress = flight.isQueued ? max(flight.since, completion) : flight.since
                    guard now - progress >= milliseconds else { continue }
                    overdue += flight.waiters
                    flight.waiters = []
                }
                return overdue
            }
            let error = RekkordError(.storage, "no answer from the storage for \(milliseconds / 1000) s")
            for waiter in waiters { waiter(.failure(error)) }
        }
    }

    private func run(_ flight: Flight, _ step: Step, received: () -> Void) {
        let isWanted = flight.isWanted?() ?? true
        let now = now()
        let starts = shard(for: flight.id).state.withLock { state in
            guard flight.isQueued, flight.step == step else { return false }
            if flight.waiters.isEmpty, !isWanted {
                flight.isQueued = false
                state.flights[flight.id] = nil
                return false
            }
            flight.isQueued = false
            flight.since = now
            return true
        }
        guard starts else { return }
        switch step {
        case .find:
            guard let found = nearby?.find(flight.id) else { return queueLoad(flight) }
            finish(flight, .success(found))
        case .load:
            counters.loads.add()
            do throws(RekkordError) {
                finish(flight, .success(try load(flight.id, received)))
            } catch {
                counters.failures.add()
                finish(flight, .failure(error))
            }
        }
    }

    /// Goes on to the second step.
    private func queueLoad(_ flight: Flight) {
        let lane = shard(for: flight.id).state.withLock { _ in
            flight.step = .load
            flight.isQueued = true
            // Whoever joined while it was looked for waits now.
            if flight.lane == .speculation, !flight.waiters.isEmpty { flight.lane = .demanding(flight.id) }
            return flight.lane
        }
        if queue(flight, .load, lane) { return }
        if lane == .speculation { drop(flight) } else { finish(flight, .failure(Self.ending)) }
    }

    private func finish(_ flight: Flight, _ result: Result<(value: Value, byteCount: Int), RekkordError>) {
        let id = flight.id
        let shard = shard(for: id)
        let now = now()
        let stamp = nextStamp()
        let usage = usage(id.catalog)
        let waiters = shard.state.withLock { state in
            switch result {
            case .success(let loaded):
                let replaced = state.lists[Int(id.catalog.rawValue)]
                    .insert(id, loaded.value, cost: loaded.byteCount, stamp: stamp)
                if flight.lane == .speculation {
                    // Whoever joined while it was being loaded is using it.
                    counters.prefetchedBytes.add(loaded.byteCount)
                    if flight.waiters.isEmpty {
                        state.unused[id] = loaded.byteCount
                    } else {
                        counters.usedPrefetches.add()
                    }
                }
                usage.byteCount.add(loaded.byteCount - (replaced?.cost ?? 0), ordering: .relaxed)
                if replaced == nil { usage.count.add(1, ordering: .relaxed) }
                shard.publish(state)
            case .failure(let error):
                if error.kind != .interrupted {
                    state.failures = state.failures.filter { $0.value.until > now }
                    state.failures[id] = (error, now + Self.failureMilliseconds)
                }
            }
            flight.isQueued = false
            state.flights[id] = nil
            defer { flight.waiters = [] }
            return flight.waiters
        }
        lastCompletion.store(now, ordering: .relaxed)
        trim()
        let outcome = result.map(\.value)
        for waiter in waiters { waiter(outcome) }
    }

    /// Forgets a prefetch that was not queued; somebody may wait for it already.
    private func drop(_ flight: Flight) {
        shard(for: flight.id).state.withLock { state in
            // Whoever joined has queued it in a lane of its own.
            guard flight.isQueued, flight.waiters.isEmpty else { return }
            flight.isQueued = false
            state.flights[flight.id] = nil
        }
    }

    private func trim() {
        while byteCount > byteLimit {
            let metadataCount = metadataUse.count.load(ordering: .relaxed)
            let metadataBytes = metadataUse.byteCount.load(ordering: .relaxed)
            let rawCount = rawUse.count.load(ordering: .relaxed)
            let catalog: ObjectID.Catalog
            if metadataBytes > byteLimit / 2, metadataCount > 1 {
                catalog = .metadata
            } else if rawCount > 1 {
                catalog = .raw
            } else if metadataCount > 1 {
                catalog = .metadata
            } else {
                return
            }
            guard evictOldest(catalog) else { return }
        }
    }

    private func evictOldest(_ catalog: ObjectID.Catalog) -> Bool {
        guard let shard = shards.min(by: { $0.oldest(catalog) < $1.oldest(catalog) }) else { return false }
        let usage = usage(catalog)
        // Freed outside the lock.
        var evicted = shard.state.withLock { state in
            let evicted = state.lists[Int(catalog.rawValue)].removeOldest()
            if let evicted {
                usage.byteCount.subtract(evicted.cost, ordering: .relaxed)
                usage.count.subtract(1, ordering: .relaxed)
                if let wasted = state.unused.removeValue(forKey: evicted.key) {
                    counters.wastedPrefetches.add()
                    counters.wastedBytes.add(wasted)
                }
            }
            shard.publish(state)
            return evicted
        }
        guard let cost = evicted?.cost else { return false }
        evicted = nil
        counters.evictions.add()
        if catalog == .metadata { returnMemory(cost) }
        return true
    }

    /// Folders lie in small pieces in the heaps, where chunks cannot use what they leave.
    private func returnMemory(_ byteCount: Int) {
        let due = max(Self.returnedByteCount, byteLimit / 8)
        guard evictedMetadata.add(byteCount, ordering: .relaxed).newValue >= due else { return }
        evictedMetadata.store(0, ordering: .relaxed)
        System.returnFreeMemory()
    }

    private func shard(for id: ObjectID) -> Shard {
        shards[Int(truncatingIfNeeded: id.hash.prefix64 % UInt64(Self.shardCount))]
    }

    private func usage(_ catalog: ObjectID.Catalog) -> Usage {
        catalog == .metadata ? metadataUse : rawUse
    }

    private func nextStamp() -> UInt64 { stamp.add(1, ordering: .relaxed).newValue }
}
