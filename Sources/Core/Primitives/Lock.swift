import Glibc

/// Protects a value by a `pthread_mutex_t`.
///
/// Sleeps under contention without priority inheritance, which `Synchronization.Mutex` uses and which
/// convoys, and is understood by the thread sanitizer. Not recursive. Never hold it across I/O, crypto or a callback.
///
/// - Source: C: `pthread_mutex_lock`.
public struct Locked<Value>: ~Copyable, @unchecked Sendable {
    // Sendable: `value` is only touched while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Makes an unlocked value.
    public init(_ initial: consuming sending Value) {
        mutex = .allocate(capacity: 1)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
        let status = pthread_mutex_init(mutex, nil)
        precondition(status == 0, "pthread_mutex_init failed")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        value.deinitialize(count: 1)
        value.deallocate()
        mutex.deallocate()
    }

    /// Calls `body` with the value while no other thread can reach it.
    public borrowing func withLock<R: ~Copyable, E: Error>(
        _ body: (inout Value) throws(E) -> R
    ) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }

    /// Calls `body` only when the lock is free at this moment; nil when it is not.
    public borrowing func withLockIfFree<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R? {
        guard pthread_mutex_trylock(mutex) == 0 else { return nil }
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }

    /// The mutex, for `BoundedQueue` and `Allowance`, which wait on condition variables.
    borrowing func withMutex<R, E: Error>(
        _ body: (UnsafeMutablePointer<pthread_mutex_t>, UnsafeMutablePointer<Value>) throws(E) -> R
    ) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(mutex, value)
    }
}
