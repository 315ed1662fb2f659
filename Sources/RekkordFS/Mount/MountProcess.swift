import Core
import Glibc
import SystemPackage

/// Runs one mount from its start to its end.
///
/// - Source: rekkord(1), "mount".
struct MountProcess {
    private static let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1]
    /// How long threads may take to leave a mount that was detached; whoever still uses it gets an error then.
    private static let leaveMilliseconds = 500
    private static let readAheadKilobytes = 1024
    /// How many threads decode what the disk cache holds.
    private static var nearbyThreadCount: Int { max(2, System.processorCount) }

    private enum Event: Sendable {
        case signal(Int32)
        case ended
    }

    let plan: MountPlan
    let log = MountLog()
    private let events = BoundedQueue<Event>(capacity: 64)

    init(_ plan: MountPlan) {
        self.plan = plan
    }

    /// Goes to the background unless told otherwise, mounts what `open` gives, and serves it until it is unmounted.
    ///
    /// - Parameters:
    ///   - open: Opens the repository; called after the process split.
    ///   - report: Prints an error of the start in the background process.
    /// - Returns: The exit status.
    func run(
        _ open: () throws(RekkordError) -> CachedBlobs,
        report: (RekkordError) -> Void
    ) throws(RekkordError) -> Int32 {
        let logTarget = try self.logTarget()
        if plan.isForeground {
            try serve(open, ready: {})
            return ExitStatus.done
        }
        let null = try Self.openNull()
        switch try StartupPipe.fork() {
        case .parent(let status):
            return status
        case .child(let pipe):
            do throws(RekkordError) {
                try serve(open) {
                    pipe.report(status: ExitStatus.done)
                    log.redirect(to: logTarget)
                    Self.leaveTerminal(for: null)
                }
            } catch {
                report(error)
                let status = ExitStatus.of(error.kind)
                pipe.report(status: status)
                return status
            }
            return ExitStatus.done
        }
    }

    private func serve(
        _ open: () throws(RekkordError) -> CachedBlobs,
        ready: () -> Void
    ) throws(RekkordError) {
        Signals.outliveReaders()
        let blobs = try open()
        let repository = blobs.repository
        let lanes = try LoadLanes(
            connectionCount: plan.threadCount,
            decoderCount: repository.storage.kind.isRemote ? plan.threadCount : 0
        )
        let cache = try Self.cache(blobs, lanes, plan)
        let (root, name) = try findRoot(blobs)
        let counters = MountCounters()
        let view = MountedView(
            root,
            cache: cache,
            settings: plan.settings,
            emptyFile: repository.identifyEmptyFile(),
            report: { [objects = blobs.cache] in MountCounters.table(counters.report(cache, objects)) },
            warn: { [log] in log.warningOnce($0) }
        )
        let isWhole = plan.identifier == [UInt8(ascii: ":")]
        let listing = isWhole ? try repository.listTags() : nil
        if let listing { update(view, listing, at: nil) }
        let server = try FuseServer(
            view,
            counters: counters,
            log: log,
            answersOpens: plan.checksEachRequest
        ) { [log] server in
            // Runs among the loads that somebody waits for, which it may not outnumber: one at a time.
            _ = lanes.schedule(.metadata) { _ in Self.refresh(server, repository, log) }
        }
        log.note("Mounting \(name) to '\(plan.mountPoint.printed)'...")
        let session = try FuseSession(server, options: plan.fuseOptions, mountPoint: plan.mountPoint)
        try watchSignals()
        try session.start(threadCount: max(4, plan.threadCount)) { [events] in _ = events.tryPush(.ended) }
        session.waitUntilGreeted()
        readAheadInLargePieces(session)
        log.note("Ready")
        ready()
        waitForEnd(session, server, blobs.cache)
        blobs.cache?.close()
        if plan.printsStatistics { printStatistics(server, blobs.cache) }
    }

    /// Lists the tags again and tells the kernel what changed; if that fails, the old state stays.
    private static func refresh(_ server: FuseServer, _ repository: Repository, _ log: MountLog) {
        do throws(RekkordError) {
            let listing = try repository.listTags()
            for warning in listing.warnings { log.warningOnce(warning) }
            server.tell(server.view.update(listing, at: .now()))
        } catch {
            log.warningOnce("cannot list the snapshots: \(error.message)")
        }
        server.view.refreshEnded()
    }

    private func update(_ view: MountedView, _ listing: TagListing, at time: Timestamp?) {
        for warning in listing.warnings { log.warningOnce(warning) }
        _ = view.update(listing, at: time)
    }

    private static func cache(_ blobs: CachedBlobs, _ lanes: LoadLanes, _ plan: MountPlan)
        throws(RekkordError) -> BlobCache<DecodedBlob>
    {
        let mounter = plan.settings.mounter
        let decode: @Sendable (ObjectID, Blob) throws(RekkordError) -> (DecodedBlob, Int) = {
            (id, blob) throws(RekkordError) in
            do throws(FormatError) {
                let decoded = try DecodedBlob(blob, owner: mounter)
                return (decoded, decoded.memoryByteCount)
            } catch {
                throw RekkordError(.corrupted, "\(id): \(error.reason)")
            }
        }
        var nearby: BlobCache<DecodedBlob>.Nearby?
        if blobs.cache != nil {
            // Threads of their own: those of `lanes` may all wait for a storage that does not answer.
            let lanes = try LoadLanes(connectionCount: nearbyThreadCount)
            nearby = .init(schedule: { lanes.schedule($0, $1) }) { id in
                blobs.cached(id).flatMap { try? decode(id, $0) }
            }
        }
        return BlobCache(
            byteLimit: plan.memory.keptByteCount,
            nearby: nearby,
            schedule: { lane, job in lanes.schedule(lane, job) },
            load: { (id, received) throws(RekkordError) in
                try decode(id, try blobs.fetch(id, received: received))
            }
        )
    }

    /// Finds what is to be mounted, and how the log calls it.
    private func findRoot(_ blobs: CachedBlobs) throws(RekkordError) -> (MountRoot, String) {
        let resolver = SnapshotResolver(blobs, warn: { [log] in log.warning($0) })
        switch try resolver.resolve(try Identifier(plan.identifier)) {
        case .repository:
            let root = MountRoot(repositoryID: blobs.repository.repositoryID, mounter: plan.settings.mounter)
            return (root, PrintedName.escape(plan.identifier))
        case .snapshot(let snapshot):
            return (MountRoot(snapshot), snapshot.id.description)
        case .folder(let folder):
            let name = folder.id?.description ?? PrintedName.escape(plan.identifier)
            return (MountRoot(folder, mounter: plan.settings.mounter, resolver.reader), name)
        case .leaf(let leaf):
            throw RekkordError(
                .notFound,
                "cannot mount '\(PrintedName.escape(plan.identifier))': it is a \(leaf.noun)"
            )
        }
    }

    // MARK: Start

    private func logTarget() throws(RekkordError) -> MountLog.Target {
        guard let path = plan.logFile else { return .syslog }
        do {
            return .file(
                try System.open(path.bytes, flags: O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, mode: 0o600)
            )
        } catch {
            throw RekkordError(.usage, "cannot write '\(path.printed)': \(error)")
        }
    }

    /// Lets the kernel read ahead in large pieces.
    private func readAheadInLargePieces(_ session: FuseSession) {
        guard let device = session.mountedDevice else { return }
        let path = Array("/sys/class/bdi/\(device.major):\(device.minor)/read_ahead_kb".utf8)
        // Only root may; everybody else reads in pieces of 128 KiB.
        guard let file = try? System.open(path, flags: O_WRONLY) else { return }
        let text = Array("\(Self.readAheadKilobytes)\n".utf8)
        _ = write(file.number, text, text.count)
    }

    /// Opens what takes the place of the standard streams; later there may be no descriptor left for it, and whoever
    /// reads what we print would wait for the end of the mount.
    private static func openNull() throws(RekkordError) -> Descriptor {
        do {
            return try System.open(Array("/dev/null".utf8), flags: O_RDWR)
        } catch {
            throw RekkordError(.system, "cannot open '/dev/null': \(error)")
        }
    }

    private static func leaveTerminal(for null: Descriptor) {
        setsid()
        chdir("/")
        for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(null.number, number) }
    }

    // MARK: End

    /// Turns signals into events.
    ///
    /// Blocked in every thread, they reach only the one that waits for them.
    private func watchSignals() throws(RekkordError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in Self.signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        _ = try WorkerThread(name: "signals") { [events, set] in
            var set = set
            while true {
                var signal: Int32 = 0
                if sigwait(&set, &signal) == 0 { _ = events.tryPush(.signal(signal)) }
            }
        }
    }

    private func waitForEnd(_ session: FuseSession, _ server: FuseServer, _ objects: ObjectCache?) {
        while let event = events.pop() {
            switch event {
            case .ended:
                return
            case .signal(SIGUSR1):
                printStatistics(server, objects)
            case .signal:
                do throws(RekkordError) {
                    try session.detach()
                } catch {
                    // Each time: whoever asked wants to know.
                    log.error(error)
                    continue
                }
                // Files that are still open keep the connection; it ends with this process.
                while case .element(let event) = events.pop(timeoutMilliseconds: Self.leaveMilliseconds) {
                    if case .ended = event { break }
                }
                return
            }
        }
    }

    private func printStatistics(_ server: FuseServer, _ objects: ObjectCache?) {
        for line in server.counters.report(server.view.cache, objects) {
            log.note("\(line.name) \(line.value)")
        }
    }
}
