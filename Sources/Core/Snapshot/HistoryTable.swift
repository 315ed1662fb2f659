/// Holds the distinct versions of one saved path, worked out from those of the folder around it.
///
/// Equal folders hold equal things, so each distinct version of that folder is looked into once, however many
/// snapshots hold it; at the very top these are the snapshots themselves.
///
/// ```
/// history/home          0    1    2         versions of the folder around, each with its first snapshot
///                       │    │    │
/// history/home/notes    0    0    1         found: the version of this path in each
///                       └────┴─▶ first snapshot: the oldest of those that lead here
/// ```
///
/// Versions are only ever appended; what a later listing brings is added to what is known.
struct HistoryTable: Sendable {
    /// One version.
    struct Version: Sendable {
        let kind: NodeAttributes.Kind
        /// What it shows; nil unless it is a folder.
        let source: FolderSource?
        /// The position of the oldest snapshot that holds it; nil when none is shown.
        var first: Int?
    }

    /// What is known of one version of the folder around.
    enum Finding: Sendable, Equatable {
        case unknown
        /// The path is not in there.
        case absent
        /// Some blob is damaged; asked again after a while.
        case damaged
        /// The version with this number.
        case version(Int32)
    }

    /// Tells tables apart: the numbers of versions mean something in one table only.
    let identity: UInt64
    /// The table of the folder around whose numbers `findings` follows.
    let around: UInt64
    private(set) var versions: [Version] = []
    private(set) var findings: [Finding] = []
    private var numbers: [Hash32: Int32] = [:]
    /// The listing up to which everything is known; nil for none yet.
    private(set) var generation: Int?
    /// When this mount noticed that the versions changed.
    private(set) var changed: Timestamp?
    /// Why versions may be missing, here or in the folder around.
    private(set) var damage: RekkordError?
    /// When to ask again for what was damaged, in milliseconds.
    private(set) var retryTime: Int64 = .max
    /// How many bytes the last folder occupied that was looked into.
    var folderByteCount = 64 << 10
    /// The memory of the folders that versions keep.
    private(set) var keptByteCount = 0

    /// Short, since the cache of blobs remembers failures itself.
    private static let retryMilliseconds: Int64 = 1000

    init(identity: UInt64, around: UInt64) {
        self.identity = identity
        self.around = around
    }

    /// The memory that it occupies.
    var byteCount: Int {
        512 + versions.count * (MemoryLayout<Version>.stride + 64) + findings.count * 8 + keptByteCount
    }

    /// Whether everything up to `generation` is known.
    func isComplete(_ generation: Int, now: Int64) -> Bool {
        self.generation == generation && now < retryTime
    }

    /// Makes room for `count` versions of the folder around; forgets what was damaged when it is time.
    mutating func extend(to count: Int, now: Int64) {
        findings += repeatElement(.unknown, count: max(0, count - findings.count))
        guard now >= retryTime else { return }
        retryTime = .max
        damage = nil
        for index in findings.indices where findings[index] == .damaged { findings[index] = .unknown }
    }

    /// Notes what was found in the version `index` of the folder around.
    ///
    /// - Parameter keptByteCount: The memory that the source keeps from being freed.
    mutating func note(
        _ found: (digest: Hash32, kind: NodeAttributes.Kind, source: FolderSource?)?,
        at index: Int,
        keptByteCount: Int
    ) {
        guard let found else {
            findings[index] = .absent
            return
        }
        if let known = numbers[found.digest] {
            findings[index] = .version(known)
            return
        }
        let number = Int32(versions.count)
        numbers[found.digest] = number
        versions.append(Version(kind: found.kind, source: found.source, first: nil))
        findings[index] = .version(number)
        self.keptByteCount += keptByteCount
    }

    /// Notes that the version `index` of the folder around could not be looked into.
    mutating func noteDamage(_ damage: RekkordError, at index: Int, now: Int64) {
        findings[index] = .damaged
        retryTime = now + Self.retryMilliseconds
        self.damage = self.damage ?? damage
    }

    /// Notes that the folder around may have more versions than it shows.
    mutating func inherit(_ around: HistoryTable?) {
        guard let around, let damage = around.damage else { return }
        self.damage = self.damage ?? damage
        retryTime = min(retryTime, around.retryTime)
    }

    /// Finds the first snapshot of each version, when all that can be known is.
    ///
    /// - Parameters:
    ///   - firsts: Those of the versions of the folder around.
    ///   - isOlder: Compares the positions of two snapshots.
    mutating func finish(
        _ generation: Int,
        _ firsts: some Sequence<Int?>,
        at time: Timestamp,
        _ isOlder: (Int, Int) -> Bool
    ) {
        let old = versions.map(\.first)
        for index in versions.indices { versions[index].first = nil }
        for (finding, first) in zip(findings, firsts) {
            guard case .version(let number) = finding, let first else { continue }
            if let best = versions[Int(number)].first, !isOlder(first, best) { continue }
            versions[Int(number)].first = first
        }
        if self.generation != nil, old != versions.map(\.first) { changed = time }
        self.generation = generation
    }

    /// The positions of the first snapshots, ascending.
    var firsts: [(first: Int, kind: NodeAttributes.Kind)] {
        versions.compactMap { version in version.first.map { ($0, version.kind) } }.sorted { $0.0 < $1.0 }
    }
}
