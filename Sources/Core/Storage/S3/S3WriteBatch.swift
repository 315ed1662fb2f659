/// Sends objects over several connections at the same time.
///
/// ```
/// put ─ copy ─ queue (bounded in bytes) ─┬─ upload thread ─ completion
///                                        └─ upload thread ─ completion
/// flush ─ waits until all that was handed over before is answered
/// ```
///
/// An object is durable when its PUT is answered, so there is nothing to do together. Threads start when there is
/// work for them.
final class S3WriteBatch: WriteBatch {
    /// How many bytes may wait for a connection; one more object per connection is on its way.
    private static let queuedByteCount = 32 << 20

    private struct Upload: Sendable {
        let name: String
        let bytes: ByteBuffer
        let group: Group
        let completion: @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    }

    /// The objects that were handed over between two flushes.
    private final class Group: Sendable {
        private struct State {
            var openCount = 0
            var isComplete = false
            var failure: RekkordError?
        }

        private let state = Locked(State())
        /// Closed, with nothing ever in it, when the last object is done.
        private let end = BoundedQueue<Bool>(capacity: 1)

        func add() { state.withLock { $0.openCount += 1 } }

        func finish(_ failure: RekkordError?) {
            let isOver = state.withLock { state in
                state.openCount -= 1
                state.failure = state.failure ?? failure
                return state.isComplete && state.openCount == 0
            }
            if isOver { end.close() }
        }

        /// Lets the end come when all objects so far are done.
        func complete() {
            let isOver = state.withLock { state in
                state.isComplete = true
                return state.openCount == 0
            }
            if isOver { end.close() }
        }

        /// Waits for the end; the failure is handed out once.
        func wait() -> RekkordError? {
            _ = end.pop()
            return state.withLock { state in
                defer { state.failure = nil }
                return state.failure
            }
        }
    }

    private struct State {
        var group = Group()
        /// Groups that somebody waits for.
        var flushing: [Group] = []
        var threads: [WorkerThread] = []
    }

    /// Shared with the threads, which must not keep the batch alive.
    private final class Lane: Sendable {
        let queue = BoundedQueue<Upload>(capacity: S3WriteBatch.queuedByteCount)
        let load = Locked(Load())
        let isAbandoned = Locked(false)
    }

    private struct Load {
        /// Threads that wait for work.
        var idle = 0
        /// Objects that no thread has taken yet.
        var queued = 0
    }

    private let storage: S3Storage
    private let connectionCount: Int
    private let lane = Lane()
    private let state = Locked(State())

    init(_ storage: S3Storage, connectionCount: Int) {
        self.storage = storage
        self.connectionCount = connectionCount
    }

    deinit {
        lane.isAbandoned.withLock { $0 = true }
        lane.queue.close()
        for thread in state.withLock({ $0.threads }) { thread.join() }
    }

    func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        completion: @escaping @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    ) {
        let group = state.withLock { state in
            state.group.add()
            return state.group
        }
        let upload = Upload(name: name, bytes: ByteBuffer(bytes), group: group, completion: completion)
        do throws(RekkordError) {
            try startThreadIfNeeded()
        } catch {
            completion(.failure(error))
            group.finish(error)
            return
        }
        lane.queue.push(upload, cost: max(bytes.count, 1))
    }

    func flush() throws(RekkordError) {
        let groups = state.withLock { state in
            let group = state.group
            state.group = Group()
            state.flushing.append(group)
            return state.flushing
        }
        groups.last?.complete()
        var failure: RekkordError?
        for group in groups { failure = failure ?? group.wait() }
        state.withLock { state in state.flushing.removeAll { group in groups.contains { $0 === group } } }
        if let failure { throw failure }
    }

    /// Starts one more thread unless enough are idle, or there are as many as there may be.
    private func startThreadIfNeeded() throws(RekkordError) {
        let isEnough = lane.load.withLock { load in
            load.queued += 1
            return load.idle >= load.queued
        }
        if isEnough { return }
        try state.withLock { (state) throws(RekkordError) in
            guard state.threads.count < connectionCount else { return }
            do throws(RekkordError) {
                let thread = try WorkerThread(name: "upload") { [lane, storage] in Self.run(lane, storage) }
                state.threads.append(thread)
            } catch {
                // Fewer connections are slower, none is an error.
                if state.threads.isEmpty { throw error }
            }
        }
    }

    private static func run(_ lane: Lane, _ storage: S3Storage) {
        while true {
            lane.load.withLock { $0.idle += 1 }
            guard let upload = lane.queue.pop() else { return }
            lane.load.withLock { load in
                load.idle -= 1
                load.queued -= 1
            }
            let result = send(upload, lane, storage)
            upload.completion(result)
            if case .failure(let error) = result {
                upload.group.finish(error)
            } else {
                upload.group.finish(nil)
            }
        }
    }

    private static func send(_ upload: Upload, _ lane: Lane, _ storage: S3Storage) -> Result<
        WriteOutcome, RekkordError
    > {
        if lane.isAbandoned.withLock({ $0 }) {
            return .failure(RekkordError(.interrupted, "interrupted"))
        }
        do throws(RekkordError) {
            return .success(
                try upload.bytes.withBytes { (bytes) throws(RekkordError) in
                    try storage.put(upload.name, bytes, .create)
                }
            )
        } catch {
            return .failure(error)
        }
    }
}
