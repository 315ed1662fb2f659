/// Counts what a `BlobCache` did.
public final class BlobCacheCounters: Sendable {
    /// Blobs found in memory.
    public let hits = Counter()
    /// Loads that somebody had to wait for.
    public let misses = Counter()
    /// Loads begun from where blobs come from, not those that were found nearby.
    public let loads = Counter()
    /// Loads that failed.
    public let failures = Counter()
    /// Loads queued ahead of need.
    public let prefetches = Counter()
    /// The memory of all blobs that were loaded ahead of need.
    public let prefetchedBytes = Counter()
    /// Blobs loaded ahead of need that somebody asked for then.
    public let usedPrefetches = Counter()
    /// Blobs loaded ahead of need and given up before anybody asked for them.
    public let wastedPrefetches = Counter()
    /// Their memory.
    public let wastedBytes = Counter()
    /// Blobs given up for others.
    public let evictions = Counter()
}
