import Core

/// Does what must not happen on a thread that receives requests.
///
/// Notifications have a thread of their own: the kernel may hold one back until a request is answered, and that
/// answer may depend on the other thread, which ends waits.
final class MountErrands: Sendable {
    typealias Errand = @Sendable () -> Void

    private static let tickMilliseconds = 500

    private let notifications = BoundedQueue<Errand>(capacity: Int.max / 2)
    private let interrupts = BoundedQueue<Errand>(capacity: Int.max / 2)
    private let threads: [WorkerThread]

    /// Starts both threads; waits for blobs of `cache` end after `deadlineMilliseconds` without progress.
    init(cache: BlobCache<DecodedBlob>, deadlineMilliseconds: Int64) throws(RekkordError) {
        let (notifications, interrupts) = (notifications, interrupts)
        threads = [
            try WorkerThread(name: "notify") {
                while let errand = notifications.pop() { errand() }
            },
            try WorkerThread(name: "watch") {
                while true {
                    switch interrupts.pop(timeoutMilliseconds: Self.tickMilliseconds) {
                    case .element(let errand): errand()
                    case .timedOut: break
                    case .closed: return
                    }
                    cache.failOverdue(after: deadlineMilliseconds)
                }
            },
        ]
    }

    /// Calls `errand` soon on the thread of notifications.
    func notify(_ errand: @escaping Errand) {
        _ = notifications.tryPush(errand)
    }

    /// Calls `errand` soon on the thread that ends waits.
    func watch(_ errand: @escaping Errand) {
        _ = interrupts.tryPush(errand)
    }

    /// Finishes what is queued and ends the threads.
    func stop() {
        notifications.close()
        interrupts.close()
        for thread in threads { thread.join() }
    }
}
