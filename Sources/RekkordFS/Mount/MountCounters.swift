import Core

/// Counts what the kernel asked of a mount and how it was answered.
final class MountCounters: Sendable {
    /// A request of the kernel that a mount answers.
    enum Request: Int, CaseIterable {
        case lookup, forget, getattr, readlink, open, read, opendir, readdir, getxattr, listxattr, statfs,
            refused
    }

    private let requests = Request.allCases.map { _ in Counter() }
    /// Bytes handed to readers.
    let readBytes = Counter()
    /// Requests that had to wait for blobs.
    let waits = Counter()
    /// Requests whose client gave up.
    let interrupts = Counter()
    /// Requests that failed for damage, not for what they asked.
    let errors = Counter()
    /// Notifications to the kernel.
    let notifications = Counter()

    /// Counts one request.
    func count(_ request: Request, _ events: Int = 1) {
        requests[request.rawValue].add(events)
    }

    /// All numbers, one `name value` line each.
    func report(_ cache: BlobCache<DecodedBlob>) -> [String] {
        let blobs = cache.counters
        return Request.allCases.map { "\($0) \(requests[$0.rawValue].value)" } + [
            "read_bytes \(readBytes.value)",
            "waits \(waits.value)",
            "interrupts \(interrupts.value)",
            "errors \(errors.value)",
            "notifications \(notifications.value)",
            "dropped \(Reply.droppedCount.value)",
            "cache_bytes \(cache.byteCount)",
            "cache_hits \(blobs.hits.value)",
            "cache_misses \(blobs.misses.value)",
            "cache_evictions \(blobs.evictions.value)",
            "blob_loads \(blobs.loads.value)",
            "blob_failures \(blobs.failures.value)",
            "blob_prefetches \(blobs.prefetches.value)",
        ]
    }
}
