internal import CFuseShim
import Core

/// Gives the kernel pages of files that nobody asked for yet.
///
/// The kernel lets whoever fills a page wait for a read of it, and then not even be killed. Hence the thread of its own,
/// and hence nothing is given that overlaps a read that waits for blobs, and never much at a time.
final class PageFiller: Sendable {
    /// What waits to be given at most, so that its memory is not kept for long.
    ///
    /// More is dropped.
    private static let maxExtentCount = 4
    private static let stepByteCount = 262_144

    private struct Job: Sendable {
        let node: NodeNumber
        let extent: PageExtent
        let session: FuseHandle
    }

    private let jobs = BoundedQueue<Job>(capacity: maxExtentCount)
    private let reads = WaitingReads()
    private let thread: WorkerThread

    /// Starts its thread.
    init(_ counters: MountCounters) throws(RekkordError) {
        thread = try WorkerThread(name: "fill-pages") { [jobs, reads] in
            while let job = jobs.pop() { Self.fill(job, besides: reads, counters) }
        }
    }

    /// Gives `extents` of a file soon, or not at all.
    func offer(_ extents: [PageExtent], of node: NodeNumber, to session: FuseHandle) {
        for extent in extents { _ = jobs.tryPush(Job(node: node, extent: extent, session: session)) }
    }

    /// Keeps clear of what a request asks for, if it is a read, until `ended`.
    func began(_ request: WaitingRequest) {
        guard case .read(let node, let offset, let count) = request.operation else { return }
        reads.add(request, node, offset..<offset + UInt64(count))
    }

    /// A request is about to be answered.
    func ended(_ request: WaitingRequest) {
        reads.remove(request)
    }

    private static func fill(_ job: Job, besides reads: WaitingReads, _ counters: MountCounters) {
        job.extent.piece.buffer.withBytes { buffer in
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[job.extent.piece.range])
            for start in stride(from: 0, to: bytes.count, by: stepByteCount) {
                let part = UnsafeRawBufferPointer(
                    rebasing: bytes[start..<min(bytes.count, start + stepByteCount)]
                )
                let offset = job.extent.offset + UInt64(start)
                let range = offset..<offset + UInt64(part.count)
                guard !reads.overlap(range, of: job.node), let base = part.baseAddress,
                    rk_notify_pages(job.session.pointer, job.node.rawValue, offset, base, part.count) == 0
                else { return }
                counters.filledBytes.add(part.count)
            }
        }
    }
}

/// What is being read by requests that wait.
private final class WaitingReads: Sendable {
    private let reads = Locked<[ObjectIdentifier: (node: NodeNumber, range: Range<UInt64>)]>([:])

    func add(_ request: WaitingRequest, _ node: NodeNumber, _ range: Range<UInt64>) {
        reads.withLock { $0[ObjectIdentifier(request)] = (node, range) }
    }

    func remove(_ request: WaitingRequest) {
        reads.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(request)) }
    }

    func overlap(_ range: Range<UInt64>, of node: NodeNumber) -> Bool {
        reads.withLock { $0.values.contains { $0.node == node && $0.range.overlaps(range) } }
    }
}
