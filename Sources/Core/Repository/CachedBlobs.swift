/// Reads blobs through a cache of objects on disk.
///
/// What the cache holds is verified exactly as what the storage sends. A file in it that is not what its name says is
/// dropped, and the object fetched: it is never taken for damage of the repository. Whoever must see the storage
/// itself uses the `Repository`, which knows no cache.
public struct CachedBlobs: Sendable {
    /// Where the objects come from.
    public let repository: Repository
    /// What keeps them; nil for nothing.
    public let cache: ObjectCache?

    /// Puts `cache` before `repository`.
    public init(_ repository: Repository, cache: ObjectCache?) {
        self.repository = repository
        self.cache = cache
    }

    /// The blob from the cache; nil when it has to be fetched.
    ///
    /// - Parameter limit: The largest plaintext that is accepted, in bytes, as everywhere below.
    public func cached(_ id: ObjectID, limit: Int = Repository.maxPlaintextByteCount) -> Blob? {
        guard let cache, let object = cache.candidate(id) else { return nil }
        do {
            let blob = try repository.open(object, id, limit: limit)
            cache.accept(object.count)
            return blob
        } catch {
            // With a lower limit a good object may fail.
            if limit == Repository.maxPlaintextByteCount { cache.reject(id) }
            return nil
        }
    }

    /// The blob from the storage; the cache keeps its object.
    ///
    /// - Parameter received: Called when the object came, before it is decoded.
    public func fetch(
        _ id: ObjectID,
        limit: Int = Repository.maxPlaintextByteCount,
        received: () -> Void = {}
    ) throws(RekkordError) -> Blob {
        let (blob, object) = try repository.readObject(id, limit: limit, received: received)
        cache?.keep(id, blob.type.cachedKind, object.bytes)
        return blob
    }

    /// The blob from wherever it is.
    public func get(_ id: ObjectID, limit: Int = Repository.maxPlaintextByteCount) throws(RekkordError)
        -> Blob
    {
        if let blob = cached(id, limit: limit) { return blob }
        return try fetch(id, limit: limit)
    }
}

extension BlobType {
    /// Link targets and lists of chunks are as good as attributes: small, and asked for by whoever only looks.
    fileprivate var cachedKind: CachedKind { self == .chunk ? .content : .metadata }
}
