/// Lets several threads work on jobs that one thread hands out, and hands their results back to that thread.
///
/// So all bookkeeping has one thread and needs no lock, and as many jobs are under way as there are workers. A few more
/// wait, so that no worker does.
final class Crew<Job: Sendable, Output: Sendable> {
    private let jobs: BoundedQueue<Job>
    private let outputs: BoundedQueue<Output>
    private let threads: [WorkerThread]
    private let limit: Int

    /// Starts the threads.
    ///
    /// - Parameter work: Called on any of them.
    init(count: Int, name: String, work: @escaping @Sendable (Job) -> Output) throws(RekkordError) {
        limit = 2 * count
        let jobs = BoundedQueue<Job>(capacity: limit)
        let outputs = BoundedQueue<Output>(capacity: limit)
        self.jobs = jobs
        self.outputs = outputs
        var threads: [WorkerThread] = []
        do throws(RekkordError) {
            for _ in 0..<count {
                threads.append(
                    try WorkerThread(name: name) {
                        while let job = jobs.pop() { outputs.push(work(job)) }
                    }
                )
            }
        } catch {
            jobs.close()
            for thread in threads { thread.join() }
            throw error
        }
        self.threads = threads
    }

    deinit {
        jobs.close()
        outputs.close()
        for thread in threads { thread.join() }
    }

    /// Works on what `next` hands out until it has nothing more and all of it is done.
    ///
    /// - Parameters:
    ///   - next: Asked again after each result, since that may bring new jobs.
    ///   - handle: Gets the results as they come. Both are called on the thread of the caller.
    /// - Throws: What they throw, after which the crew is of no use any more.
    func run(
        _ next: () throws(RekkordError) -> Job?,
        _ handle: (Output) throws(RekkordError) -> Void
    ) throws(RekkordError) {
        var underWay = 0
        while true {
            while underWay < limit, let job = try next() {
                jobs.push(job)
                underWay += 1
            }
            guard underWay > 0, let output = outputs.pop() else { return }
            underWay -= 1
            try handle(output)
        }
    }
}
