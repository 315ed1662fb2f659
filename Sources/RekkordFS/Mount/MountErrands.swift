import Core

/// Does what must not happen on a thread that receives requests.
///
/// Notifications have a thread of their own: the kernel may hold one back until a request is answered, and that
/// answer may depend on the other thread, which ends waits. Dropping pages has another one: it waits for reads of
/// them, and some of those are answered by the thread of notifications. All go on until the process ends.
final class MountErrands: Sendable {
    typealias Errand = @Sendable () -> Void

    private static let tickMilliseconds = 500

    private let notifications = BoundedQueue<Errand>(capacity: Int.max / 2)
    private let drops = BoundedQueue<Errand>(capacity: Int.max / 2)
    private let interrupts = BoundedQueue<Errand>(capacity: Int.max / 2)
    private let threads: [WorkerThread]

    /// Starts the threads; `tick` is called about twice a second on the one that ends waits.
    init(tick: @escaping Errand) throws(RekkordError) {
        let (notifications, drops, interrupts) = (notifications, drops, interrupts)
        threads = [
            try WorkerThread(name: "notify") {
                while let errand = notifications.pop() { errand() }
            },
            try WorkerThread(name: "drop-pages") {
                while let errand = drops.pop() { errand() }
            },
            try WorkerThread(name: "watch") {
                while true {
                    if case .element(let errand) = interrupts.pop(timeoutMilliseconds: Self.tickMilliseconds)
                    {
                        errand()
                    }
                    tick()
                }
            },
        ]
    }

    /// Calls `errand` soon on the thread of notifications.
    func notify(_ errand: @escaping Errand) {
        _ = notifications.tryPush(errand)
    }

    /// Calls `errand`, which drops pages, soon on the thread for that.
    func dropPages(_ errand: @escaping Errand) {
        _ = drops.tryPush(errand)
    }

    /// Calls `errand` soon on the thread that ends waits.
    func watch(_ errand: @escaping Errand) {
        _ = interrupts.tryPush(errand)
    }
}
