/// Extends the locks of everything that snapshots need, as far as it was verified.
struct LockPass {
    /// After so many refusals in a row, the rest would be refused too.
    private static let maxFailuresInARow = 256
    /// So many reasons are told.
    private static let maxErrorCount = 16

    private(set) var counts = ScanReport.Locks()
    /// Why locks were not extended, the first few.
    private(set) var errors: [RekkordError] = []

    private let repository: Repository
    private let memory: ScanMemory
    private let `extension`: LockExtension
    private let threadCount: Int
    private let isInterrupted: () -> Bool
    private var failuresInARow = 0
    /// The objects that are no blobs, and their locks as far as they are known.
    private var objects: [(name: String, state: ObjectState)] = []

    init(
        _ repository: Repository,
        _ memory: ScanMemory,
        _ extension: LockExtension,
        threadCount: Int,
        isInterrupted: @escaping () -> Bool
    ) {
        self.repository = repository
        self.memory = memory
        self.extension = `extension`
        self.threadCount = threadCount
        self.isInterrupted = isInterrupted
    }

    /// Extends what ends too early.
    mutating func run(_ order: [BlobGraph.Index], _ tags: TagCheck, _ graph: inout BlobGraph)
        throws(RekkordError)
    {
        collectObjects(tags)
        var nextObject = 0
        var nextBlob = 0
        let work = `extension`
        let crew = try Crew<LockExtension.Job, (LockExtension.Job, LockExtension.Outcome)>(
            count: threadCount,
            name: "locks"
        ) { ($0, work.extend($0)) }
        let blobBase = objects.count
        try crew.run(
            { () throws(RekkordError) in
                if isInterrupted() { throw RekkordError(.interrupted, "interrupted") }
                while nextObject < objects.count {
                    defer { nextObject += 1 }
                    if let job = job(ofObject: nextObject) { return job }
                }
                while nextBlob < order.count {
                    defer { nextBlob += 1 }
                    let index = order[nextBlob]
                    if let job = job(of: graph[index], at: blobBase + Int(index)) { return job }
                }
                return nil
            },
            { (output) throws(RekkordError) in
                let (job, outcome) = output
                let lock: ObjectLock
                switch outcome {
                case .extended(let new):
                    counts.extended += 1
                    lock = new
                case .current(let found):
                    counts.current += 1
                    lock = found
                case .failed(let error):
                    if error.kind == .interrupted { throw error }
                    fail(error)
                    return
                }
                failuresInARow = 0
                if job.index < blobBase {
                    objects[job.index].state.lock = lock
                    memory.remember(lock, of: job.name, versionID: job.versionID)
                } else {
                    let index = BlobGraph.Index(job.index - blobBase)
                    graph[index].lock = lock
                    memory.remember(lock, of: graph[index].id)
                }
            }
        )
    }

    private mutating func fail(_ error: RekkordError) {
        counts.failed += 1
        failuresInARow += 1
        if errors.count < Self.maxErrorCount { errors.append(error) }
    }

    /// Names the config object, the tags with their parts, and the badges.
    private mutating func collectObjects(_ tags: TagCheck) {
        var seen: Set<String> = []
        func add(_ name: String, _ state: ObjectState = ObjectState()) {
            guard seen.insert(name).inserted else { return }
            var state = state
            if state.lock == nil { state.lock = memory.lock(of: name, versionID: state.versionID) }
            objects.append((name, state))
        }
        add(ObjectNames.config, repository.configState)
        for tag in tags.tags {
            add(tag.parsed.objectName)
            for name in tag.parsed.fragmentNames { add(name) }
            if let name = tag.badgeName { add(name, tags.badges[name] ?? ObjectState()) }
        }
    }

    private mutating func job(ofObject index: Int) -> LockExtension.Job? {
        let (name, state) = objects[index]
        let byteCount = name.hasPrefix(ObjectNames.tags) ? 0 : 1
        return job(index, name, state.versionID, byteCount, state.lock)
    }

    private mutating func job(of node: BlobGraph.Node, at index: Int) -> LockExtension.Job? {
        guard node.state.isGood else { return nil }
        if `extension`.isEnough(node.lock) {
            counts.current += 1
            return nil
        }
        let versionID = memory.blob(node.id)?.versionID
        return job(index, node.id.objectName, versionID, Int(node.objectByteCount), node.lock)
    }

    private mutating func job(
        _ index: Int,
        _ name: String,
        _ versionID: String?,
        _ byteCount: Int,
        _ known: ObjectLock?
    ) -> LockExtension.Job? {
        if `extension`.isEnough(known) {
            counts.current += 1
            return nil
        }
        if failuresInARow >= Self.maxFailuresInARow {
            counts.failed += 1
            return nil
        }
        return LockExtension.Job(
            index: index,
            name: name,
            versionID: versionID,
            byteCount: byteCount,
            known: known
        )
    }

    // MARK: Snapshots

    /// Remembers until when everything is locked that each snapshot needs.
    func rememberProtection(of tags: TagCheck, _ order: [BlobGraph.Index], _ blobs: BlobVerification) {
        let graph = blobs.graph
        let unknown = Timestamp(milliseconds: .min)
        var ends = [Timestamp](repeating: unknown, count: graph.count)
        for index in order {
            let node = graph[index]
            var end = node.state.isGood ? node.lock?.until ?? unknown : unknown
            var cursor = graph.references(of: index)
            while let (child, _) = graph.next(&cursor) { end = min(end, ends[Int(child)]) }
            ends[Int(index)] = end
        }
        let locks = Dictionary(objects.map { ($0.name, $0.state.lock?.until ?? unknown) }) { first, _ in first
        }
        for tag in tags.tags {
            var names = [ObjectNames.config, tag.parsed.objectName] + tag.parsed.fragmentNames
            if let name = tag.badgeName { names.append(name) }
            let isProven = tag.badgeName != nil || tag.parsed.keyID == .master
            var end = isProven ? graph.find(tag.parsed.snapshot).map { ends[Int($0)] } ?? unknown : unknown
            for name in names { end = min(end, locks[name] ?? unknown) }
            memory.remember(protectedUntil: end == unknown ? nil : end, tag.parsed.snapshot)
        }
    }
}
