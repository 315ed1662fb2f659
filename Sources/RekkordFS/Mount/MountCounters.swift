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
    /// Bytes given to the kernel before it asked.
    let filledBytes = Counter()
    /// Requests that had to wait for blobs.
    let waits = Counter()
    /// Those that wait at this moment.
    let waiting = Counter()
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

    /// One number and what it counts, in one word.
    typealias Line = (name: String, value: Int)

    /// All numbers.
    func report(_ cache: BlobCache<DecodedBlob>, _ objects: ObjectCache?) -> [Line] {
        let blobs = cache.counters
        return Request.allCases.map { ("\($0)", requests[$0.rawValue].value) } + [
            ("read_bytes", readBytes.value),
            ("filled_bytes", filledBytes.value),
            ("waits", waits.value),
            ("waiting", waiting.value),
            ("interrupts", interrupts.value),
            ("errors", errors.value),
            ("notifications", notifications.value),
            ("dropped", Reply.droppedCount.value),
            ("cache_bytes", cache.byteCount),
            ("cache_hits", blobs.hits.value),
            ("cache_misses", blobs.misses.value),
            ("cache_evictions", blobs.evictions.value),
            ("blob_loads", blobs.loads.value),
            ("blob_failures", blobs.failures.value),
            ("blob_prefetches", blobs.prefetches.value),
            ("prefetched_bytes", blobs.prefetchedBytes.value),
            ("prefetches_used", blobs.usedPrefetches.value),
            ("prefetches_wasted", blobs.wastedPrefetches.value),
            ("prefetch_wasted_bytes", blobs.wastedBytes.value),
        ] + Self.report(objects?.counters)
    }

    private static func report(_ objects: ObjectCacheCounters?) -> [Line] {
        guard let objects else { return [] }
        return [
            ("disk_hits", objects.hits.value),
            ("disk_misses", objects.misses.value),
            ("disk_read_bytes", objects.readBytes.value),
            ("disk_written_bytes", objects.writtenBytes.value),
            ("disk_evictions", objects.evictions.value),
            ("disk_rejections", objects.rejections.value),
            ("disk_skips", objects.skips.value),
        ]
    }

    /// A line for each number, in columns: the length is always the same.
    static func table(_ lines: [Line]) -> [UInt8] {
        lines.flatMap { line in
            let value = String(line.value)
            let blanks = max(1, lineByteCount - 1 - line.name.utf8.count - value.utf8.count)
            return Array("\(line.name)\(String(repeating: " ", count: blanks))\(value)\n".utf8)
        }
    }

    /// Room for the largest number and a name.
    private static let lineByteCount = 50
}
