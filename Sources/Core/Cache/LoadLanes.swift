/// Separates loads by urgency, so that none waits behind less urgent ones.
public enum LoadLane: Int, Sendable, CaseIterable {
    /// Folders and snapshots that somebody waits for.
    case metadata
    /// Other blobs that somebody waits for.
    case demand
    /// Blobs that will probably be asked for soon.
    case speculation
}

/// Runs loads on threads of their own, some for each lane.
public final class LoadLanes: Sendable {
    /// One piece of work; it tells its outcome itself.
    public typealias Job = @Sendable () -> Void

    /// Enough for the chunks that `--read-ahead` allows; further ones are not worth queueing.
    private static let speculationCapacity = 256

    private let queues: [BoundedQueue<Job>]
    private let threads: [WorkerThread]

    /// Starts the threads.
    ///
    /// - Parameter threadCount: How many loads should run at once in each lane, at least 1.
    public init(threadCount: Int) throws(RekkordError) {
        // Waiting for room would block the thread that receives requests; the number of those is bounded
        // by the kernel and its clients.
        let queues = LoadLane.allCases.map { lane in
            BoundedQueue<Job>(capacity: lane == .speculation ? Self.speculationCapacity : Int.max / 2)
        }
        var threads: [WorkerThread] = []
        for lane in LoadLane.allCases {
            let queue = queues[lane.rawValue]
            for _ in 0..<max(1, threadCount) {
                threads.append(
                    try WorkerThread(name: "load-\(lane)") {
                        while let job = queue.pop() { job() }
                    }
                )
            }
        }
        self.queues = queues
        self.threads = threads
    }

    /// Queues `job` without ever waiting; false when the lane is full (speculation) or stopped.
    public func schedule(_ lane: LoadLane, _ job: @escaping Job) -> Bool {
        queues[lane.rawValue].tryPush(job)
    }

    /// Finishes what is queued and ends the threads.
    public func stop() {
        for queue in queues { queue.close() }
        for thread in threads { thread.join() }
    }
}
