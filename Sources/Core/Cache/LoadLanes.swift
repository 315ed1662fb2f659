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

/// Runs loads on a fixed number of threads, the most urgent one first.
///
/// There is a thread for each connection to a storage, and no more. Speculation never has all of them (unless there
/// is only one), so whoever waits gets the next thread at the latest when one demanded load is done.
public final class LoadLanes: Sendable {
    /// One piece of work; it tells its outcome itself.
    public typealias Job = @Sendable () -> Void

    /// Enough for the chunks that `--read-ahead` allows; further ones are not worth queueing.
    private static let speculationCapacity = 256

    private struct State {
        var queues: [JobQueue] = LoadLane.allCases.map { _ in JobQueue() }
        var speculationCount = 0
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
        let state = Locked(State())
        /// Wakes threads: at least one element for each job that no thread will find by itself.
        ///
        /// Waiting for room would block the thread that receives requests; their number is bounded by the kernel and
        /// its clients.
        let wakes = BoundedQueue<Bool>(capacity: Int.max / 2)
        let speculationLimit: Int

        init(speculationLimit: Int) {
            self.speculationLimit = speculationLimit
        }

        func run() {
            while wakes.pop() != nil {
                // A thread that finishes looks again by itself: a job that it left for want of a place may start now.
                while let (job, lane) = next() {
                    job()
                    if lane == .speculation { state.withLock { $0.speculationCount -= 1 } }
                }
            }
        }

        private func next() -> (Job, LoadLane)? {
            state.withLock { state in
                for lane in LoadLane.allCases {
                    if lane == .speculation {
                        guard state.speculationCount < speculationLimit else { return nil }
                    }
                    guard let job = state.queues[lane.rawValue].popFirst() else { continue }
                    if lane == .speculation { state.speculationCount += 1 }
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
    /// - Parameter threadCount: How many loads may run at once, at least 1.
    public init(threadCount: Int) throws(RekkordError) {
        let work = Work(speculationLimit: max(1, threadCount - 1))
        var threads: [WorkerThread] = []
        for _ in 0..<max(1, threadCount) {
            threads.append(try WorkerThread(name: "load") { work.run() })
        }
        self.work = work
        self.threads = threads
    }

    /// Queues `job` without ever waiting; false when the lane is full (speculation) or stopped.
    public func schedule(_ lane: LoadLane, _ job: @escaping Job) -> Bool {
        let isQueued = work.state.withLock { state in
            let isFull = state.queues[lane.rawValue].count >= Self.speculationCapacity
            if lane == .speculation, isFull { return false }
            state.queues[lane.rawValue].append(job)
            return true
        }
        return isQueued && work.wakes.tryPush(true)
    }

    /// Finishes what is queued and ends the threads.
    public func stop() {
        work.wakes.close()
        for thread in threads { thread.join() }
    }
}
