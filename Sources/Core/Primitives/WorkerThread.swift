internal import CLinux
import Glibc

/// Runs one closure on a thread of its own.
///
/// Core never uses Swift's cooperative pool: the work here blocks in storage and system calls.
///
/// - Source: C: `pthread_create`, `pthread_join`.
public final class WorkerThread: Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let thread: Locked<pthread_t?>

    /// Starts `body` on a new thread; `name` (at most 15 bytes count) shows in `ps -L` and debuggers.
    ///
    /// Signals meant for the process are blocked on the new thread, so the main thread alone gets them.
    /// - Throws: `.system` when no thread can be had.
    public init(name: String, body: @escaping @Sendable () -> Void) throws(RekkordError) {
        let context = Unmanaged.passRetained(Start(name: name, body: body))
        var id = pthread_t()
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        let status = pthread_create(
            &id,
            nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                rk_name_thread(start.name)
                start.body()
                return nil
            },
            context.toOpaque()
        )
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        guard status == 0 else {
            context.release()
            throw RekkordError(.system, "cannot start thread '\(name)': \(String(cString: strerror(status)))")
        }
        thread = Locked(id)
    }

    deinit {
        thread.withLock { id in
            if let id { pthread_detach(id) }
        }
    }

    /// Waits until the closure has returned.
    ///
    /// A second call returns at once.
    public func join() {
        let id = thread.withLock { id in
            defer { id = nil }
            return id
        }
        if let id { pthread_join(id, nil) }
    }
}
