/// Makes the lock of one object last, on any thread.
///
/// Locks are never shortened, and objects in COMPLIANCE stay there.
/// - Source: rekkord(1), "scan".
struct LockExtension: Sendable {
    /// An object whose lock must last.
    struct Job: Sendable {
        /// Who wants to know the outcome: a blob, or an object by its place in a list.
        let index: Int
        let name: String
        /// The version that was verified; nil where the storage names none.
        let versionID: String?
        let byteCount: Int
        /// The lock as far as it is known.
        let known: ObjectLock?
    }

    /// How it ended.
    enum Outcome: Sendable {
        case extended(ObjectLock)
        /// It was long enough already, which was not known.
        case current(ObjectLock)
        case failed(RekkordError)
    }

    private static let minSlackSeconds: Int64 = 86_400

    private let storage: any Storage
    private let mode: S3Settings.RetainMode
    /// When new locks end.
    let target: Timestamp
    /// A lock that ends at this time or later is left alone.
    let enough: Timestamp

    /// Decides what is long enough: so much less than the full time that not every scan extends every lock.
    init(_ storage: any Storage, _ retention: ObjectRetention, now: Timestamp) {
        self.storage = storage
        mode = retention.mode
        let slack = min(max(Self.minSlackSeconds, retention.seconds / 10), retention.seconds / 2)
        // Whole seconds, as the storage keeps them.
        let start = Timestamp(milliseconds: now.milliseconds / 1000 * 1000)
        target = start.advanced(bySeconds: retention.seconds)
        enough = start.advanced(bySeconds: retention.seconds - slack)
    }

    /// Whether a lock need not be extended.
    func isEnough(_ lock: ObjectLock?) -> Bool {
        lock.map { $0.until >= enough } ?? false
    }

    /// Extends the lock.
    func extend(_ job: Job) -> Outcome {
        let lock = ObjectLock(mode: job.known?.mode == .compliance ? .compliance : mode, until: target)
        do throws(RekkordError) {
            try storage.extendLock(job.name, versionID: job.versionID, to: lock)
            return .extended(lock)
        } catch {
            guard error.kind == .denied else { return .failed(error) }
            return afterRefusal(job, lock, error)
        }
    }

    /// Looks whether the lock is longer than asked for, or of a mode that must be kept.
    private func afterRefusal(_ job: Job, _ lock: ObjectLock, _ refusal: RekkordError) -> Outcome {
        guard let state = try? storage.state(of: job.name, byteCount: job.byteCount), let found = state.lock,
            job.versionID == nil || state.versionID == nil || job.versionID == state.versionID
        else { return .failed(refusal) }
        if isEnough(found) { return .current(found) }
        guard found.mode == .compliance, lock.mode == .governance else { return .failed(refusal) }
        let kept = ObjectLock(mode: .compliance, until: target)
        do throws(RekkordError) {
            try storage.extendLock(job.name, versionID: job.versionID, to: kept)
            return .extended(kept)
        } catch {
            return .failed(error)
        }
    }
}
