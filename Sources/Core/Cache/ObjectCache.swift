import Synchronization
public import SystemPackage

/// Keeps objects on disk as they are stored, still encrypted, so that they need not be fetched again.
///
/// Bounded by bytes, what was unused for longest goes first. Several processes may use one folder at once, each
/// bound by its own limits, and anybody may remove or alter anything in it at any time: whoever takes an object out
/// verifies it as if it came from a stranger, and calls `reject` when it is none.
///
/// Writing happens on a thread of its own and never holds anybody up: what does not fit in its queue is not kept. A
/// disk that is full or read-only costs one warning.
public final class ObjectCache: Sendable {
    private struct Order: Sendable {
        let id: ObjectID
        let kind: CachedKind
        let object: ByteBuffer
    }

    /// How much may wait to be written, unless told otherwise.
    public static let usualQueueByteCount = 32 << 20
    /// How long nothing is written after a failure.
    private static let pauseMilliseconds: Int64 = 60_000

    /// What happened so far.
    public let counters = ObjectCacheCounters()

    private let folder: ObjectFolder
    private let limits: ObjectCacheLimits
    private let objectByteLimit: Int
    private let queue: BoundedQueue<Order>
    private let pause: Pause
    private let writer: WorkerThread

    /// Ends writing for a while.
    private final class Pause: Sendable {
        let until = Atomic<Int64>(.min)
        let hasWarned = Atomic(false)
    }

    /// Uses the objects below `folder`; nothing is opened or made before the first use.
    ///
    /// - Parameters:
    ///   - cacheID: Objects that were kept under another one are as good as absent, and removed.
    ///   - objectByteLimit: Larger files are no objects.
    ///   - queueByteCount: How much may wait to be written.
    ///   - renewAfterSeconds: How exact the order of use is.
    ///   - warn: Gets at most one line; called on any thread.
    public init(
        folder: FilePath,
        cacheID: [UInt8],
        limits: ObjectCacheLimits,
        objectByteLimit: Int,
        queueByteCount: Int = usualQueueByteCount,
        renewAfterSeconds: Int64 = 3600,
        warn: @escaping @Sendable (String) -> Void
    ) throws(RekkordError) {
        self.folder = ObjectFolder(folder, cacheID: cacheID, renewAfterSeconds: renewAfterSeconds)
        self.limits = limits
        self.objectByteLimit = objectByteLimit
        let queue = BoundedQueue<Order>(capacity: max(1, queueByteCount))
        let (pause, counters) = (Pause(), counters)
        self.queue = queue
        self.pause = pause
        let keeper = ObjectKeeper(self.folder, limits, counters)
        writer = try WorkerThread(name: "disk-cache") {
            var keeper = keeper
            while let order = queue.pop() {
                do throws(Errno) {
                    try keeper.store(order.id, order.kind, order.object)
                } catch {
                    let now = MonotonicTime.milliseconds()
                    pause.until.store(now + Self.pauseMilliseconds, ordering: .relaxed)
                    guard !pause.hasWarned.exchange(true, ordering: .relaxed) else { continue }
                    warn("cannot keep objects in '\(folder.printed)': \(error)")
                }
            }
        }
    }

    deinit {
        queue.close()
    }

    /// The bytes that are kept under the name of an object, whatever they are; nil when there are none.
    func candidate(_ id: ObjectID) -> ByteBuffer? {
        for kind in kinds(of: id) where limits.limit(of: kind) > 0 {
            if let object = folder.read(id, kind, limit: objectByteLimit) { return object }
        }
        counters.misses.add()
        return nil
    }

    /// Notes that the candidate was what its name says.
    func accept(_ byteCount: Int) {
        counters.hits.add()
        counters.readBytes.add(byteCount)
    }

    /// Forgets a candidate that was not what its name says.
    func reject(_ id: ObjectID) {
        counters.rejections.add()
        for kind in kinds(of: id) { folder.remove(id, kind) }
    }

    /// Keeps a verified object, soon, or not at all.
    func keep(_ id: ObjectID, _ kind: CachedKind, _ object: ByteBuffer) {
        guard ObjectFolder.space(object.count) <= limits.limit(of: kind),
            pause.until.load(ordering: .relaxed) <= MonotonicTime.milliseconds()
        else { return }
        if !queue.tryPush(Order(id: id, kind: kind, object: object), cost: object.count) {
            counters.skips.add()
        }
    }

    /// Writes what is waiting, and ends; nothing is kept from then on.
    public func close() {
        queue.close()
        writer.join()
    }

    /// Removes all objects that are kept below `folder`, those of running processes included.
    public static func removeAll(in folder: FilePath) throws(RekkordError) {
        do {
            try ObjectFolder.removeAll(in: folder)
        } catch {
            throw RekkordError(.system, "cannot empty cache '\(folder.printed)': \(error)")
        }
    }

    /// Where an object may be: the name of a link or of a list of chunks looks like that of content.
    private func kinds(of id: ObjectID) -> [CachedKind] {
        id.catalog == .metadata ? [.metadata] : [.content, .metadata]
    }
}

/// Counts what an `ObjectCache` did.
public final class ObjectCacheCounters: Sendable {
    /// Objects found.
    public let hits = Counter()
    /// Objects not found.
    public let misses = Counter()
    /// Bytes of objects found.
    public let readBytes = Counter()
    /// Bytes of objects written.
    public let writtenBytes = Counter()
    /// Files that were not what their names say.
    public let rejections = Counter()
    /// Objects removed to make room.
    public let evictions = Counter()
    /// Objects not kept because the disk was too slow.
    public let skips = Counter()
}
