internal import CFuseShim
import Core
import Glibc

/// Answers the requests of one mount: each at once from memory, or when its blobs have been loaded.
final class FuseServer: Sendable {
    /// No progress for so long ends a wait with EIO.
    static let deadlineMilliseconds: Int64 = 15_000

    let view: MountedView
    let counters: MountCounters
    let log: MountLog
    /// What must not happen on a thread that receives.
    let errands: MountErrands
    private let answersOpens: Bool
    private let refresh: @Sendable (FuseServer) -> Void
    private let impatient: ImpatientRequests
    private let filler: PageFiller

    /// - Parameters:
    ///   - answersOpens: Whether each open is asked, to be checked by its user.
    ///   - refresh: Starts to list the tags again, on another thread.
    init(
        _ view: MountedView,
        counters: MountCounters,
        log: MountLog,
        answersOpens: Bool,
        refresh: @escaping @Sendable (FuseServer) -> Void
    ) throws(RekkordError) {
        self.refresh = refresh
        self.view = view
        self.counters = counters
        self.log = log
        self.answersOpens = answersOpens
        let impatient = ImpatientRequests(view, counters)
        self.impatient = impatient
        filler = try PageFiller(counters)
        errands = try MountErrands {
            view.cache.failOverdue(after: Self.deadlineMilliseconds)
            impatient.end()
        }
    }

    // MARK: Requests

    /// Answers an open of a file or folder.
    func open(_ request: rk_request) {
        let reply = Reply(request)
        // After ENOSYS the kernel opens by itself, and keeps the pages and listings.
        if answersOpens { reply.sendOpen() } else { reply.send(error: ENOSYS) }
    }

    /// Answers anything else, now or later.
    func serve(_ request: rk_request, _ operation: MountOperation) {
        if operation.isLook, view.refreshBegins(at: operation.node) { refresh(self) }
        serve(Reply(request), operation, LoadedBlobs())
    }

    private func serve(_ reply: consuming Reply, _ operation: MountOperation, _ loaded: LoadedBlobs) {
        let answer: Answer
        do throws(Obstacle) {
            answer = try self.answer(operation, reply, loaded)
        } catch {
            switch error {
            case .needs(let ids): wait(reply, operation, loaded, for: ids)
            case .advances(let work, let ids):
                wait(reply, operation, LoadedBlobs(continuing: work), for: ids)
            case .fails(let failure):
                report(failure, of: operation, loaded)
                reply.send(error: failure.errno)
            }
            return
        }
        send(reply, answer, operation)
    }

    // MARK: Answers

    private enum Answer {
        case entry(ShownNode?)
        case attributes(NodeAttributes, seconds: Double)
        case target([UInt8])
        case file(FileBytes)
        case listing([UInt8])
        case extended([UInt8], byteCount: Int)
        case totals(MountTotals)
    }

    private func answer(
        _ operation: MountOperation,
        _ reply: borrowing Reply,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> Answer {
        switch operation {
        case .lookup(let parent, let name):
            return .entry(
                try name.withRawBytes { (name) throws(Obstacle) in try view.lookup(name, in: parent, loaded) }
            )
        case .attributes(let node):
            let (attributes, seconds) = try view.attributes(of: node, loaded)
            return .attributes(attributes, seconds: seconds)
        case .target(let node):
            return .target(try view.target(of: node, loaded))
        case .read(let node, let offset, let count):
            return .file(try view.read(node, at: offset, count: count, loaded))
        case .list(let node, let offset, let byteCount, let withAttributes):
            return .listing(try list(node, offset, byteCount, withAttributes, reply, loaded))
        case .extended(let node, let name, let byteCount):
            return .extended(try view.extendedAttribute(name, of: node, loaded), byteCount: byteCount)
        case .extendedNames(let node, let byteCount):
            return .extended(try view.extendedAttributeNames(of: node, loaded), byteCount: byteCount)
        case .statistics(let since):
            let isPatient = MonotonicTime.milliseconds() - since < ImpatientRequests.patienceMilliseconds
            return .totals(try view.totals(since: since, isPatient: isPatient, loaded))
        }
    }

    private func list(
        _ node: NodeNumber,
        _ offset: UInt64,
        _ byteCount: Int,
        _ withAttributes: Bool,
        _ reply: borrowing Reply,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> [UInt8] {
        var obstacle: Obstacle?
        let listing = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            do throws(Obstacle) {
                try view.list(node, from: offset, loaded) { name, shown, next in
                    reply.append(
                        name,
                        shown,
                        next: next,
                        withAttributes: withAttributes,
                        to: buffer,
                        filled: &filled
                    )
                }
            } catch {
                obstacle = error
            }
        }
        if let obstacle { throw obstacle }
        return listing
    }

    private func send(_ reply: consuming Reply, _ answer: Answer, _ operation: MountOperation) {
        switch answer {
        case .entry(let shown):
            reply.send(shown, absentSeconds: view.absentSeconds(in: operation.node))
        case .attributes(let attributes, let seconds):
            reply.send(attributes, seconds: seconds)
        case .target(let target):
            reply.send(target: target)
        case .listing(let listing):
            reply.send(listing)
        case .extended(let bytes, let byteCount):
            reply.send(extended: bytes, size: byteCount)
        case .totals(let totals):
            reply.send(totals)
        case .file(let bytes):
            counters.readBytes.add(bytes.byteCount)
            send(reply, bytes, operation.node)
        }
    }

    private func send(_ reply: consuming Reply, _ bytes: FileBytes, _ node: NodeNumber) {
        switch bytes.correction {
        case .none:
            reply.send(bytes)
            guard !bytes.spare.isEmpty, let handle = session.withLock({ $0 }) else { return }
            filler.offer(bytes.spare, of: node, to: handle)
        case .shrank:
            // The short reply corrects the size, and only then may the other attributes go. One thread does both, so
            // that the reader hardly ever gets between them.
            let request = reply.release()
            notify {
                Reply(request).send(bytes)
                _ = rk_notify_attributes($0, node.rawValue)
            }
        case .grew:
            // Answered by the thread that notifies, so that the reader finds the attributes gone.
            let request = reply.release()
            notify {
                _ = rk_notify_attributes($0, node.rawValue)
                Reply(request).send(bytes)
            }
        }
    }

    // MARK: Notifications

    private let session = Locked<FuseHandle?>(nil)
    /// Files whose pages are about to be dropped.
    private let refusedWrites = Locked<Set<NodeNumber>>([])

    /// Sets where notifications go, before the first request.
    func attach(_ handle: FuseHandle) {
        session.withLock { $0 = handle }
    }

    /// Calls `body` soon, on a thread that holds no lock.
    func notify(_ body: @escaping @Sendable (OpaquePointer) -> Void) {
        guard let handle = session.withLock({ $0 }) else { return }
        counters.notifications.add()
        errands.notify { body(handle.pointer) }
    }

    /// Has the kernel drop the pages of a file that somebody wrote to, which was refused.
    ///
    /// Needed when root made the mount writable: a store through a shared mapping changes them before it arrives here.
    func refusedWrite(_ node: NodeNumber) {
        guard let handle = session.withLock({ $0 }),
            refusedWrites.withLock({ $0.insert(node) }).inserted
        else { return }
        counters.notifications.add()
        errands.dropPages { [self] in
            // A write from here on may come too late to be covered.
            _ = refusedWrites.withLock { $0.remove(node) }
            _ = rk_notify_content(handle.pointer, node.rawValue)
        }
    }

    /// Has the kernel forget what a listing changed.
    func tell(_ notices: [LiveNotice]) {
        for notice in notices {
            notify { session in
                _ = rk_notify_content(session, notice.folder.rawValue)
                for name in notice.names {
                    _ = name.withRawBytes { bytes in
                        bytes.baseAddress.map {
                            rk_notify_name(session, notice.folder.rawValue, $0, bytes.count)
                        }
                    }
                }
            }
        }
    }

    // MARK: Waiting

    private func wait(
        _ reply: consuming Reply,
        _ operation: MountOperation,
        _ loaded: LoadedBlobs,
        for ids: [ObjectID]
    ) {
        counters.waits.add()
        counters.waiting.add()
        // What was read to add something up is not needed again.
        let loaded = operation.isStatistics ? LoadedBlobs() : loaded
        let waiting = WaitingRequest(reply, operation, loaded, count: ids.count)
        filler.began(waiting)
        waiting.watch()
        if operation.isStatistics { impatient.add(waiting) }
        for id in ids {
            let lookup = view.cache.fetch(id, operation.isStatistics ? .speculation : .demanding(id)) {
                [self] outcome in
                add(id, outcome, to: waiting)
            }
            switch lookup {
            case .found(let blob): add(id, .success(blob), to: waiting)
            case .failed(let error): add(id, .failure(error), to: waiting)
            case .loading: break
            }
        }
    }

    private func add(_ id: ObjectID, _ outcome: LoadedBlobs.Outcome, to waiting: WaitingRequest) {
        guard let loaded = waiting.add(id, outcome), let request = take(waiting) else { return }
        serve(Reply(request), waiting.operation, loaded)
    }

    /// Ends a wait whose client gave up; what it waited for is loaded all the same.
    func interrupted(_ waiting: WaitingRequest) {
        errands.watch { [self] in
            guard let request = take(waiting) else { return }
            counters.interrupts.add()
            Reply(request).send(error: EINTR)
        }
    }

    private func take(_ waiting: WaitingRequest) -> rk_request? {
        guard let request = waiting.take() else { return nil }
        counters.waiting.add(-1)
        filler.ended(waiting)
        return request
    }

    // MARK: Errors

    private func report(_ failure: MountFailure, of operation: MountOperation, _ loaded: LoadedBlobs) {
        let error: RekkordError
        switch failure {
        case .unreadable: error = RekkordError(.missing, "it could not be read when it was saved")
        case .damaged(let damage): error = damage
        case .stale, .notFolder, .isFolder, .nameTooLong, .notLink, .noAttribute, .attributesUnsupported:
            return
        }
        if error.kind == .interrupted { return }
        counters.errors.add()
        log.failure(error.reading(view.path(of: operation.node, operation.name, loaded)))
    }
}
