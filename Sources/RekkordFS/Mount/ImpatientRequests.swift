import Core

/// Ends the waits of `statfs`, which would rather tell what is known than wait long for the rest.
final class ImpatientRequests: Sendable {
    /// `statfs` waits about this long.
    static let patienceMilliseconds: Int64 = 1000

    private let view: MountedView
    private let counters: MountCounters
    private let waiting = Locked<[WaitingRequest]>([])

    init(_ view: MountedView, _ counters: MountCounters) {
        self.view = view
        self.counters = counters
    }

    /// Takes care of a request from now on.
    func add(_ request: WaitingRequest) {
        waiting.withLock { $0.append(request) }
    }

    /// Answers all that waited long enough.
    func end() {
        let now = MonotonicTime.milliseconds()
        let ended = waiting.withLock { waiting in
            waiting.removeAll(where: \.isTaken)
            defer { waiting.removeAll { Self.isOver($0, now) } }
            return waiting.filter { Self.isOver($0, now) }
        }
        for waiting in ended {
            guard let request = waiting.take() else { continue }
            counters.waiting.add(-1)
            if let totals = try? view.totals(since: now, isPatient: false, LoadedBlobs()) {
                Reply(request).send(totals)
            } else {
                Reply(request).send(error: MountFailure.stale.errno)
            }
        }
    }

    private static func isOver(_ waiting: WaitingRequest, _ now: Int64) -> Bool {
        guard case .statistics(let since) = waiting.operation else { return true }
        return now - since >= patienceMilliseconds
    }
}
