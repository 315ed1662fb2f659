internal import Synchronization

/// Reads blobs for one thread that tells in advance what it will need, on threads of its own.
public final class BlobsAhead: BlobSource {
    /// Room for what was fetched and not asked for yet.
    private static let byteLimit = 64 << 20
    /// So many folders for each connection are told in advance, so that none waits for the next request.
    private static let windowPerConnection = 4

    /// How many blobs may be on their way.
    public let window: Int
    private let blobs: CachedBlobs
    private let lanes: LoadLanes
    private let cache: BlobCache<Blob>
    private let hasEnded: Ended

    private final class Ended: Sendable {
        let value = Atomic(false)
    }

    /// Starts the threads.
    ///
    /// - Parameter connectionCount: How many blobs are read at once.
    public init(_ blobs: CachedBlobs, connectionCount: Int) throws(RekkordError) {
        self.blobs = blobs
        let lanes = try LoadLanes(
            connectionCount: connectionCount,
            decoderCount: blobs.repository.storage.kind.isRemote ? connectionCount : 0
        )
        self.lanes = lanes
        window = Self.windowPerConnection * connectionCount
        hasEnded = Ended()
        cache = BlobCache(byteLimit: Self.byteLimit, schedule: { lanes.schedule($0, $1) }) {
            (id, received) throws(RekkordError) in
            let blob: Blob
            if let cached = blobs.cached(id) {
                blob = cached
            } else {
                blob = try blobs.fetch(id, received: received)
            }
            return (blob, blob.bytes.allocatedByteCount)
        }
    }

    /// Reads the blob, or waits for it if it is on its way.
    public func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob {
        let answer = BoundedQueue<Result<Blob, RekkordError>>(capacity: 1)
        let blob: Blob
        switch cache.fetch(id, .demanding(id), { answer.push($0) }) {
        case .found(let found): blob = found
        case .failed(let error): throw error
        case .loading:
            guard let result = answer.pop() else { throw RekkordError(.interrupted, "the reading has ended") }
            blob = try result.get()
        }
        guard blob.bytes.count <= limit else {
            throw RekkordError(.corrupted, "\(id): larger than \(limit) bytes")
        }
        return blob
    }

    /// Has the blob read soon.
    public func expect(_ id: ObjectID) {
        cache.prefetch(id) { [hasEnded] in !hasEnded.value.load(ordering: .relaxed) }
    }

    /// How many blobs were read because they were expected.
    var expectedCount: Int { cache.counters.prefetches.value }

    /// Forgets what was expected and ends the threads, and writes what the disk cache has not written yet.
    public func close() {
        hasEnded.value.store(true, ordering: .relaxed)
        lanes.stop()
        blobs.cache?.close()
    }
}
