/// Separates loads by urgency, so that none waits behind less urgent ones.
public enum LoadLane: Int, Sendable, CaseIterable {
    /// Folders and snapshots that somebody waits for.
    case metadata
    /// Other blobs that somebody waits for.
    case demand
    /// Blobs that will probably be asked for soon.
    case speculation

    /// The lane of a blob that somebody waits for.
    public static func demanding(_ id: ObjectID) -> LoadLane {
        id.catalog == .metadata ? .metadata : .demand
    }
}

/// Runs loads on threads of its own, as many at once as there may be connections, the most urgent one first.
///
/// A load that has received what it asked for says so, and the next one may start while it decodes. Speculation leaves
/// one connection (unless there is only one) to whoever waits, who then gets it at the latest when one demanded load is
/// done. Where only speculation has been at work for a while, as ahead of one sequential reader, it has all of them.
public final class LoadLanes: Sendable {
    /// One piece of work; it tells its outcome itself.
    ///
    /// - Parameter received: May be called when the connection is free again.
    public typealias Job = @Sendable (_ received: () -> Void) -> Void

    /// Enough for the chunks that `--read-ahead` allows; further ones are not worth queueing.
    private static let speculationCapacity = 256
    /// After so many speculative loads in a row for each connection nobody is thought to need one soon.
    static let quietLoadsPerConnection = 2

    private struct State {
        var queues: [JobQueue] = LoadLane.allCases.map { _ in JobQueue() }
        var connectionCount = 0
        var speculationCount = 0
        /// How many speculative loads were started since the last demanded one.
        var speculationRun = 0
    }

    /// First in, first out.
    private struct JobQueue {
        private var jobs: [Job?] = []
        private var head = 0

        var count: Int { jobs.count - head }

        mutating func append(_ job: @escaping Job) {
            if head > 64, head > jobs.count / 2 {
                jobs.removeFirst(head)
                head = 0
            }
            jobs.append(job)
        }

        mutating func popFirst() -> Job? {
            guard head < jobs.count else { return nil }
            defer {
                jobs[head] = nil
                head += 1
            }
            return jobs[head]
        }
    }

    /// What the threads share.
    private final class Work: Sendable {
        private let state = Locked(State())
        /// An element for each time that a job may have become possible.
        ///
        /// Waiting for room would block the thread that receives requests; their number is bounded by the kernel and
        /// its clients.
        private let wakes = BoundedQueue<Bool>(capacity: Int.max / 2)
        private let connectionLimit: Int

        init(connectionLimit: Int) {
            self.connectionLimit = connectionLimit
        }

        func run() {
            while wakes.pop() != nil {
                while let (job, lane) = next() {
                    var holdsConnection = true
                    let release = {
                        guard holdsConnection else { return }
                        holdsConnection = false
                        self.release(lane)
                    }
                    job(release)
                    release()
                }
            }
        }

        func schedule(_ lane: LoadLane, _ job: @escaping Job) -> Bool {
            let isQueued = state.withLock { state in
                let isFull = state.queues[lane.rawValue].count >= LoadLanes.speculationCapacity
                if lane == .speculation, isFull { return false }
                state.queues[lane.rawValue].append(job)
                return true
            }
            return isQueued && wakes.tryPush(true)
        }

        func close() { wakes.close() }

        private func release(_ lane: LoadLane) {
            let hasMore = state.withLock { state in
                state.connectionCount -= 1
                if lane == .speculation { state.speculationCount -= 1 }
                return state.queues.contains { $0.count > 0 }
            }
            // For another thread: this one may have to decode first.
            if hasMore { _ = wakes.tryPush(true) }
        }

        private func next() -> (Job, LoadLane)? {
            state.withLock { state in
                guard state.connectionCount < connectionLimit else { return nil }
                for lane in LoadLane.allCases {
                    if lane == .speculation {
                        let isQuiet =
                            state.speculationRun >= LoadLanes.quietLoadsPerConnection * connectionLimit
                        let limit = isQuiet ? connectionLimit : max(1, connectionLimit - 1)
                        guard state.speculationCount < limit else { return nil }
                    }
                    guard let job = state.queues[lane.rawValue].popFirst() else { continue }
                    state.connectionCount += 1
                    if lane == .speculation {
                        state.speculationCount += 1
                        state.speculationRun += 1
                    } else {
                        state.speculationRun = 0
                    }
                    return (job, lane)
                }
                return nil
            }
        }
    }

    private let work: Work
    private let threads: [WorkerThread]

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - connectionCount: How many loads may wait for the storage at once, at least 1.
    ///   - decoderCount: How many may decode beside them. With as many as there are connections none is ever idle
    ///     because its object is being decoded.
    public init(connectionCount: Int, decoderCount: Int = 0) throws(RekkordError) {
        let work = Work(connectionLimit: max(1, connectionCount))
        var threads: [WorkerThread] = []
        for _ in 0..<max(1, connectionCount) + decoderCount {
            threads.append(try WorkerThread(name: "load") { work.run() })
        }
        self.work = work
        self.threads = threads
    }

    /// Queues `job` without ever waiting; false when the lane is full (speculation) or stopped.
    public func schedule(_ lane: LoadLane, _ job: @escaping Job) -> Bool {
        work.schedule(lane, job)
    }

    /// Finishes what is queued and ends the threads.
    public func stop() {
        work.close()
        for thread in threads { thread.join() }
    }
}
