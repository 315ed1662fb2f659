/// Finds out about every blob that snapshots need.
///
/// The thread that runs the scan does all bookkeeping; readers only read and judge one blob each.
struct BlobVerification {
    /// After so many failures in a row the storage is left alone: each of them was tried again and again already.
    private static let maxFailuresInARow = 64

    /// Everything that is known of blobs.
    var graph = BlobGraph()
    /// What is wrong with damaged blobs.
    private(set) var faults: [BlobGraph.Index: FormatError] = [:]
    /// What is wrong in blobs that are what was stored.
    private(set) var entryFaults: [BlobGraph.Index: [BlobCheck.EntryFault]] = [:]
    /// Why blobs could not be read.
    private(set) var failures: [BlobGraph.Index: RekkordError] = [:]
    /// What concerns no blob in particular.
    private(set) var problems: [ScanProblem] = []

    private let repository: Repository
    private let memory: ScanMemory
    private let options: ScanOptions
    private let progress: ScanProgress
    private let checkNotInterrupted: () throws(RekkordError) -> Void
    private var isListed = false
    /// What is to be read; folders come first, since they bring more, and readers should never wait for more.
    private var pendingMetadata: [BlobGraph.Index] = []
    private var pendingContent: [BlobGraph.Index] = []
    private var failuresInARow = 0

    /// Starts with nothing known.
    init(
        _ repository: Repository,
        _ memory: ScanMemory,
        _ options: ScanOptions,
        progress: ScanProgress,
        checkNotInterrupted: @escaping () throws(RekkordError) -> Void
    ) {
        self.repository = repository
        self.memory = memory
        self.options = options
        self.progress = progress
        self.checkNotInterrupted = checkNotInterrupted
    }

    // MARK: What is stored

    /// Lists all blobs, and finds those among them that an earlier scan verified.
    mutating func list() throws(RekkordError) {
        do throws(RekkordError) {
            try repository.storage.list(prefix: ObjectNames.blobs) { (object) throws(RekkordError) in
                guard let id = ObjectNames.blob(named: object.name) else { return }
                let index = try graph.insert(id)
                graph[index].isListed = true
                graph[index].objectByteCount = UInt32(clamping: object.byteCount)
                graph[index].entityTagHash = object.entityTag.hashValue
                if index % 1000 == 0 { try checkNotInterrupted() }
            }
            isListed = true
        } catch {
            guard error.kind != .interrupted else { throw error }
            var problem = ScanProblem(error)
            problem.objectName = ObjectNames.blobs
            problems.append(problem)
        }
        memory.prune(before: now.advanced(bySeconds: -max(options.maxAgeSeconds, Self.maxMemorySeconds)))
        memory.forEachBlob { recall($0) }
    }

    /// A blob that was not verified for so long is most likely gone.
    private static let maxMemorySeconds: Int64 = 400 * 86_400

    private var now: Timestamp { options.clock() }

    private mutating func recall(_ blob: ScanMemory.VerifiedBlob) {
        // Without a listing, nothing speaks against what was verified; the report tells that it is missing.
        guard let index = isListed ? graph.find(blob.id) : try? graph.insert(blob.id) else { return }
        if graph[index].isListed {
            guard graph[index].objectByteCount == UInt32(clamping: blob.objectByteCount),
                graph[index].entityTagHash == blob.entityTag.hashValue
            else { return }
        }
        graph[index].lock = blob.lock
        // What refers to other blobs is read each time.
        guard blob.type == .chunk || blob.type == .link else { return }
        let age = now.milliseconds.subtractingReportingOverflow(blob.time.milliseconds)
        guard !age.overflow, age.partialValue >= 0, age.partialValue / 1000 < options.maxAgeSeconds else {
            return
        }
        graph[index].isTrusted = true
        graph[index].type = blob.type
        graph[index].plaintextByteCount = UInt32(clamping: blob.plaintextByteCount)
        graph[index].objectByteCount = UInt32(clamping: blob.objectByteCount)
    }

    // MARK: Reading

    /// A blob to be read.
    private struct Job: Sendable {
        let index: BlobGraph.Index
        let id: ObjectID
        let byteCount: Int
    }

    /// Reads what the snapshots of tags need, and compares each tag with its snapshot.
    mutating func verify(_ tags: inout TagCheck) throws(RekkordError) {
        var tagsOfSnapshot: [BlobGraph.Index: [Int]] = [:]
        for (place, tag) in tags.tags.enumerated() {
            let index = try graph.insert(tag.parsed.snapshot)
            tagsOfSnapshot[index, default: []].append(place)
            need(index)
        }
        let check = BlobCheck(repository)
        let crew = try Crew<Job, (BlobGraph.Index, BlobCheck.Finding)>(
            count: options.threadCount,
            name: "scan"
        ) { ($0.index, check.check($0.id, listedByteCount: $0.byteCount)) }
        try crew.run(
            { () throws(RekkordError) in
                try checkNotInterrupted()
                return nextPending().map { index in
                    Job(index: index, id: graph[index].id, byteCount: Int(graph[index].objectByteCount))
                }
            },
            { (output) throws(RekkordError) in
                let (index, finding) = output
                try take(finding, of: index)
                guard case .good(let content, _) = finding, let snapshot = content.snapshot else { return }
                for place in tagsOfSnapshot[index] ?? [] { tags.compare(place, with: snapshot, content) }
            }
        )
        giveUpPending()
    }

    private mutating func need(_ index: BlobGraph.Index) {
        guard graph[index].state == .unneeded else { return }
        if graph[index].isTrusted {
            graph[index].state = .remembered
            return
        }
        graph[index].state = .pending
        if graph[index].id.catalog == .metadata {
            pendingMetadata.append(index)
        } else {
            pendingContent.append(index)
        }
    }

    private mutating func nextPending() -> BlobGraph.Index? {
        if failuresInARow >= Self.maxFailuresInARow { return nil }
        return pendingMetadata.popLast() ?? pendingContent.popLast()
    }

    private mutating func take(_ finding: BlobCheck.Finding, of index: BlobGraph.Index) throws(RekkordError) {
        switch finding {
        case .good(let content, let state):
            failuresInARow = 0
            try takeGood(content, state, index)
        case .damaged(let error):
            failuresInARow = 0
            takeDamaged(error, index)
        case .unread(let error):
            if error.kind == .interrupted { throw error }
            // Some services refuse to tell that an object is absent; the listing told it.
            if error.kind == .denied, isListed, !graph[index].isListed {
                takeDamaged(FormatError("object is missing", .missing), index)
                return
            }
            failuresInARow += 1
            graph[index].state = .unread
            failures[index] = error
        }
    }

    private mutating func takeDamaged(_ error: FormatError, _ index: BlobGraph.Index) {
        graph[index].state = .damaged
        graph[index].lock = nil
        faults[index] = error
        memory.forget(graph[index].id)
    }

    private mutating func takeGood(
        _ content: BlobCheck.Content,
        _ state: ObjectState,
        _ index: BlobGraph.Index
    ) throws(RekkordError) {
        progress.add(byteCount: content.objectByteCount)
        graph[index].state = .verified
        graph[index].type = content.type
        graph[index].plaintextByteCount = UInt32(clamping: content.plaintextByteCount)
        graph[index].objectByteCount = UInt32(clamping: content.objectByteCount)
        graph[index].lock = state.lock ?? knownLock(of: index, state)
        memory.remember(
            ScanMemory.VerifiedBlob(
                id: graph[index].id,
                type: content.type,
                plaintextByteCount: content.plaintextByteCount,
                objectByteCount: content.objectByteCount,
                entityTag: state.entityTag,
                versionID: state.versionID,
                time: now,
                lock: graph[index].lock
            )
        )
        if !content.faults.isEmpty { entryFaults[index] = content.faults }
        var references: [(node: BlobGraph.Index, role: BlobGraph.Role)] = []
        references.reserveCapacity(content.references.count)
        for reference in content.references {
            let child = try graph.insert(reference.id)
            need(child)
            references.append((child, reference.role))
        }
        try graph.connect(index, to: references)
    }

    /// The lock that an earlier scan recorded, if the same version was read now.
    private func knownLock(of index: BlobGraph.Index, _ state: ObjectState) -> ObjectLock? {
        guard graph[index].lock != nil, let known = memory.blob(graph[index].id),
            known.versionID == state.versionID, known.entityTag == state.entityTag
        else { return nil }
        return known.lock
    }

    private mutating func giveUpPending() {
        let rest = pendingMetadata + pendingContent
        guard !rest.isEmpty, let error = failures.values.first else { return }
        for index in rest { graph[index].state = .unread }
        var problem = ScanProblem(
            error.kind == .denied ? .permission : .transport,
            "gave up after \(failuresInARow) failures in a row; not read: \(rest.count) blobs"
        )
        problem.objectName = ObjectNames.blobs
        problems.append(problem)
    }

    // MARK: Judging

    /// Counts, and finds out what each blob has below it.
    ///
    /// - Parameter order: All that snapshots need, what is below a blob before it.
    mutating func judge(_ order: [BlobGraph.Index], _ report: inout ScanReport) {
        var orphans = ScanReport.Orphans()
        var isCountable = isListed
        for index in order {
            let node = graph[index]
            switch node.state {
            case .verified: report.blobs.verified += 1
            case .remembered: report.blobs.remembered += 1
            case .damaged: report.blobs.damaged += 1
            case .unread, .pending, .unneeded: report.blobs.notVerified += 1
            }
            var isDamaged = node.state == .damaged || entryFaults[index] != nil
            if !node.state.isGood, node.id.catalog == .metadata { isCountable = false }
            if let faults = entryFaults[index], faults.contains(where: { $0.name == nil }) {
                isCountable = false
            }
            var cursor = graph.references(of: index)
            while let (child, role) = graph.next(&cursor) {
                isDamaged =
                    isDamaged || graph[child].isDamagedBelow || graph.fault(of: child, as: role) != nil
                // It may have been a list of chunks.
                if !graph[child].state.isGood, role == .file { isCountable = false }
            }
            graph[index].isDamagedBelow = isDamaged
        }
        // Stands for folders that could not be listed when they were saved; nobody needs to read it.
        let placeholder = [UInt8]().withRawBytes { repository.identify(.directory, $0) }
        for index in graph.indices where graph[index].isListed && graph[index].state == .unneeded {
            if graph[index].id == placeholder { continue }
            orphans.count += 1
            orphans.byteCount += Int64(graph[index].objectByteCount)
        }
        report.orphans = isCountable ? orphans : nil
    }

    /// Whether a snapshot is not what its tag promises.
    func isDamaged(_ tag: TagCheck.Tag) -> Bool {
        guard let index = graph.find(tag.parsed.snapshot) else { return true }
        return tag.isDamaged || graph[index].isDamagedBelow || graph.fault(of: index, as: .snapshot) != nil
    }
}

extension BlobGraph {
    /// What is wrong with a good blob that is referred to in this way.
    func fault(of index: Index, as role: Role) -> FormatError? {
        let node = self[index]
        return node.state.isGood ? role.fault(node.type, byteCount: Int(node.plaintextByteCount)) : nil
    }
}
