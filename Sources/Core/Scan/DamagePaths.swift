/// Finds the paths that lead to what is damaged or could not be read.
///
/// All snapshots of a channel are walked at once, path by path, and only where something is wrong, so what is at one
/// path in many snapshots is met once:
///
/// ```
/// home/alice   ├ folder A, in snapshots 1 to 30 ┐   a.iso  ├ table X, in 1 to 37
///              └ folder B, in snapshots 31 to 37┘
/// ```
///
/// A blob is entered on so many paths per channel and no more, which bounds the work whatever the tree is like, and
/// still leads to everything at least once.
struct DamagePaths {
    /// So many paths to one blob are told per channel.
    private static let maxPathCount = 64
    /// So many problems are told one by one.
    private static let maxProblemCount = 100_000
    /// The longest path that is followed, in bytes.
    private static let maxPathByteCount = 64 << 10
    /// The most memory of blobs that are kept for other paths that lead to them.
    private static let maxKeptByteCount = 64 << 20

    private(set) var problems: [ScanProblem] = []
    /// How many more paths lead to problems, at least.
    private(set) var unnamedCount = 0

    private let graph: BlobGraph
    private let faults: [BlobGraph.Index: FormatError]
    private let entryFaults: [BlobGraph.Index: [BlobCheck.EntryFault]]
    private let failures: [BlobGraph.Index: RekkordError]
    private let repository: Repository
    /// How many ways lead from a blob to problems, for those from which any does.
    private var wayCounts: [BlobGraph.Index: Int] = [:]
    private var visits: [BlobGraph.Index: Int] = [:]
    private var named: Set<BlobGraph.Index> = []
    private var kept: [BlobGraph.Index: Opened] = [:]
    private var keptByteCount = 0

    /// A blob that was read again for the names in it.
    private enum Opened {
        case folder(DirectoryBlob)
        case roots([Entry])
        case table(FileTable)
        case unreadable
    }

    /// One blob at the path that is being looked at.
    private struct Candidate {
        let node: BlobGraph.Index
        let role: BlobGraph.Role
        /// What the entry says about the size.
        let byteCount: Int64
        /// The newest snapshot that has it there, by its place among those of the channel.
        var newest: Int
        /// How many snapshots have it there.
        var count: Int
    }

    /// Everything that is at one path.
    private struct Group {
        let name: [UInt8]
        var candidates: [Candidate]
    }

    /// What is in a folder, in all its states.
    private struct Frame {
        let groups: [Group]
        var next = 0
        let pathByteCount: Int
    }

    init(_ blobs: BlobVerification, _ repository: Repository) {
        graph = blobs.graph
        faults = blobs.faults
        entryFaults = blobs.entryFaults
        failures = blobs.failures
        self.repository = repository
    }

    /// Names everything that is wrong below the snapshots of tags.
    ///
    /// - Parameter order: All that snapshots need, what is below a blob before it.
    mutating func name(_ tags: [TagCheck.Tag], _ order: [BlobGraph.Index]) {
        for index in order {
            let count = countWays(from: index)
            if count > 0 { wayCounts[index] = count }
        }
        let channels = Dictionary(grouping: tags, by: \.parsed.payload.channel)
        for channel in channels.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            visits = [:]
            nameChannel((channels[channel] ?? []).reversed())
        }
        nameRest(order)
    }

    private func countWays(from index: BlobGraph.Index) -> Int {
        var count = entryFaults[index]?.count ?? 0
        if faults[index] != nil || failures[index] != nil { count += 1 }
        var cursor = graph.references(of: index)
        while let (child, role) = graph.next(&cursor) {
            count = count.addingClamped(graph.fault(of: child, as: role) != nil ? 1 : wayCounts[child] ?? 0)
        }
        return count
    }

    // MARK: One channel

    /// - Parameter tags: Newest first.
    private mutating func nameChannel(_ tags: [TagCheck.Tag]) {
        var snapshots: [Candidate] = []
        for (place, tag) in tags.enumerated() {
            guard let node = graph.find(tag.parsed.snapshot) else { continue }
            Self.add(
                Candidate(node: node, role: .snapshot, byteCount: 0, newest: place, count: 1),
                to: &snapshots
            )
        }
        var path: [UInt8] = []
        var frames = [Frame(groups: enter(snapshots, nil, tags), pathByteCount: 0)]
        while let frame = frames.last {
            path.removeSubrange(frame.pathByteCount...)
            guard frame.next < frame.groups.count else {
                frames.removeLast()
                continue
            }
            frames[frames.count - 1].next += 1
            let group = frame.groups[frame.next]
            if !path.isEmpty { path.append(UInt8(ascii: "/")) }
            path += group.name
            let below = enter(group.candidates, path, tags)
            if !below.isEmpty { frames.append(Frame(groups: below, pathByteCount: path.count)) }
        }
    }

    /// Tells what is wrong at one path, and returns what is below it that leads to more.
    private mutating func enter(
        _ candidates: [Candidate],
        _ path: [UInt8]?,
        _ tags: [TagCheck.Tag]
    ) -> [Group] {
        var below: [[UInt8]: [Candidate]] = [:]
        for candidate in candidates {
            if tell(candidate, path, tags) { collect(candidate, path, tags, &below) }
        }
        return below.map { Group(name: $0.key, candidates: $0.value) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// Tells what is wrong with the blob itself; false when there is nothing to look for below it.
    private mutating func tell(_ candidate: Candidate, _ path: [UInt8]?, _ tags: [TagCheck.Tag]) -> Bool {
        let node = candidate.node
        let fault = graph.fault(of: node, as: candidate.role)
        guard fault != nil || wayCounts[node] != nil, isWanted(node) else { return false }
        var problem: ScanProblem
        if let error = fault ?? faults[node] {
            problem = ScanProblem(error)
        } else if let error = failures[node] {
            problem = ScanProblem(error)
        } else {
            for entryFault in entryFaults[node] ?? [] {
                var problem = ScanProblem(entryFault.error)
                let name = entryFault.name.map { name in (path.map { $0 + [UInt8(ascii: "/")] } ?? []) + name
                }
                add(&problem, candidate, name ?? path, tags)
            }
            return true
        }
        if candidate.role == .file, candidate.byteCount > 0 {
            problem.extent = .init(offset: 0, byteCount: candidate.byteCount)
        }
        add(&problem, candidate, path, tags)
        return false
    }

    /// Counts a path to a blob; false when enough were told.
    private mutating func isWanted(_ node: BlobGraph.Index) -> Bool {
        visits[node, default: 0] += 1
        if visits[node, default: 0] <= Self.maxPathCount { return true }
        unnamedCount = unnamedCount.addingClamped(max(wayCounts[node] ?? 0, 1))
        return false
    }

    private mutating func collect(
        _ candidate: Candidate,
        _ path: [UInt8]?,
        _ tags: [TagCheck.Tag],
        _ below: inout [[UInt8]: [Candidate]]
    ) {
        guard path?.count ?? 0 <= Self.maxPathByteCount else { return }
        func add(_ reference: BlobGraph.Reference?, _ name: @autoclosure () -> [UInt8], _ byteCount: Int64) {
            guard let reference, let node = graph.find(reference.id),
                wayCounts[node] != nil || graph.fault(of: node, as: reference.role) != nil
            else { return }
            let child = Candidate(
                node: node,
                role: reference.role,
                byteCount: byteCount,
                newest: candidate.newest,
                count: candidate.count
            )
            Self.add(child, to: &below[name(), default: []])
        }
        switch open(candidate.node) {
        case .folder(let folder):
            for index in 0..<folder.count {
                let attributes = (folder.hash(at: index), folder.flags(at: index), folder.kind(at: index))
                add(
                    BlobCheck.reference(attributes.0, attributes.1, attributes.2),
                    folder.name(at: index),
                    folder.size(at: index)
                )
            }
        case .roots(let roots):
            for root in roots {
                add(BlobCheck.reference(root.hash, root.flags, root.kind), root.name, root.size)
            }
        case .table(let table): tellChunks(of: table, candidate, path, tags)
        case .unreadable: break
        }
    }

    /// Adds a blob to those at a path, or to itself if it is there already.
    private static func add(_ candidate: Candidate, to candidates: inout [Candidate]) {
        if let place = candidates.firstIndex(where: { $0.node == candidate.node && $0.role == candidate.role }
        ) {
            candidates[place].newest = min(candidates[place].newest, candidate.newest)
            candidates[place].count += candidate.count
        } else {
            candidates.append(candidate)
        }
    }

    /// Tells which bytes of a file are concerned; neighbours with one content, such as zeros, are told as one.
    private mutating func tellChunks(
        of table: FileTable,
        _ file: Candidate,
        _ path: [UInt8]?,
        _ tags: [TagCheck.Tag]
    ) {
        var index = 0
        while index < table.count {
            let first = table.chunk(at: index)
            var end = first.end
            index += 1
            while index < table.count {
                let next = table.chunk(at: index)
                guard next.hash == first.hash, next.byteCount == first.byteCount, next.offset == end else {
                    break
                }
                end = next.end
                index += 1
            }
            let role = BlobGraph.Role.chunk(byteCount: first.byteCount)
            guard let node = graph.find(first.objectID) else { continue }
            let fault = graph.fault(of: node, as: role) ?? faults[node]
            guard fault != nil || failures[node] != nil, isWanted(node) else { continue }
            guard var problem = fault.map({ ScanProblem($0) }) ?? failures[node].map({ ScanProblem($0) })
            else {
                continue
            }
            problem.extent = .init(offset: first.offset, byteCount: end - first.offset)
            let chunk = Candidate(
                node: node,
                role: role,
                byteCount: 0,
                newest: file.newest,
                count: file.count
            )
            add(&problem, chunk, path, tags)
        }
    }

    private mutating func add(
        _ problem: inout ScanProblem,
        _ candidate: Candidate,
        _ path: [UInt8]?,
        _ tags: [TagCheck.Tag]
    ) {
        named.insert(candidate.node)
        guard problems.count < Self.maxProblemCount else {
            unnamedCount = unnamedCount.addingClamped(1)
            return
        }
        problem.concern(tags[candidate.newest].parsed)
        problem.snapshots = candidate.count
        problem.object = graph[candidate.node].id
        problem.objectName = graph[candidate.node].id.objectName
        problem.path = path
        problems.append(problem)
    }

    /// Tells what no path could be found to, since what leads there could not be read again.
    private mutating func nameRest(_ order: [BlobGraph.Index]) {
        for index in order where !named.contains(index) {
            guard
                var problem = faults[index].map({ ScanProblem($0) })
                    ?? failures[index].map({ ScanProblem($0) })
                    ?? entryFaults[index]?.first.map({ ScanProblem($0.error) })
            else { continue }
            guard problems.count < Self.maxProblemCount else {
                unnamedCount = unnamedCount.addingClamped(1)
                continue
            }
            problem.object = graph[index].id
            problem.objectName = graph[index].id.objectName
            problems.append(problem)
        }
    }

    // MARK: Reading again

    private mutating func open(_ index: BlobGraph.Index) -> Opened {
        if let opened = kept[index] { return opened }
        let (opened, byteCount) = read(graph[index].id)
        if keptByteCount + byteCount > Self.maxKeptByteCount {
            kept = [:]
            keptByteCount = 0
        }
        kept[index] = opened
        keptByteCount += byteCount
        return opened
    }

    private func read(_ id: ObjectID) -> (Opened, byteCount: Int) {
        guard let blob = try? repository.inspect(id).get().blob else { return (.unreadable, 0) }
        if blob.type == .file, let table = try? FileTable(blob.bytes) {
            return (.table(table), table.memoryByteCount)
        }
        if blob.type.isDirectory, let folder = try? DirectoryBlob(blob) {
            return (.folder(folder), folder.memoryByteCount)
        }
        if blob.type.isSnapshot, let snapshot = try? SnapshotBlob(blob) {
            return (.roots(snapshot.roots), blob.bytes.count)
        }
        return (.unreadable, 0)
    }
}
