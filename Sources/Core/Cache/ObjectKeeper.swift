internal import SystemPackage

/// Writes objects to an `ObjectFolder` and keeps it within its limits.
///
/// Knows what is there from looking at all of it before the first write, and again after each eighth of the limit,
/// since other processes write too: `n` of them can exceed a limit by `n - 1` eighths for a while.
struct ObjectKeeper: Sendable {
    private static let lookShare = 8
    /// When there is no room because another process is making some, how much is written until the next look.
    private static let hurriedLookShare = 64
    /// How full the cache stays after making room, in percent, so that it need not be done for every object.
    private static let keptShare = 90

    private let folder: ObjectFolder
    private let limits: ObjectCacheLimits
    private let counters: ObjectCacheCounters
    /// The space in use by kind; nil before the first look.
    private var used: [Int]?
    private var writtenSinceLook = 0

    init(_ folder: ObjectFolder, _ limits: ObjectCacheLimits, _ counters: ObjectCacheCounters) {
        self.folder = folder
        self.limits = limits
        self.counters = counters
    }

    /// Writes an object, after room was made for it.
    mutating func store(_ id: ObjectID, _ kind: CachedKind, _ object: ByteBuffer) throws(Errno) {
        let space = ObjectFolder.space(object.count)
        if needsLook(space, kind) { makeRoom(for: space, kind) }
        try folder.write(id, kind, object)
        counters.writtenBytes.add(object.count)
        writtenSinceLook += space
        used?[kind.rawValue] += space
    }

    private func needsLook(_ space: Int, _ kind: CachedKind) -> Bool {
        guard let used else { return true }
        let limit = limits.limit(of: kind)
        if writtenSinceLook >= limit / Self.lookShare { return true }
        let isFull = limits.excess(used, reserve: space, of: kind).contains { $0 > 0 }
        return isFull && writtenSinceLook >= limit / Self.hurriedLookShare
    }

    private mutating func makeRoom(for space: Int, _ kind: CachedKind) {
        if used == nil { folder.removeOthers() }
        let ages = CachedKind.allCases.map { folder.ages(of: $0) }
        var used = ages.map { $0.reduce(0) { $0 + $1.byteCount } }
        if limits.excess(used, reserve: space, of: kind).contains(where: { $0 > 0 }) {
            let excess = limits.excess(used, reserve: space, of: kind, share: Self.keptShare)
            // Two processes that make room at once would remove twice as much.
            folder.whileAlone {
                for kind in CachedKind.allCases where excess[kind.rawValue] > 0 {
                    let index = kind.rawValue
                    let removed = folder.removeOldest(of: kind, byteCount: excess[index], ages[index])
                    counters.evictions.add(removed.count)
                    used[index] -= removed.byteCount
                }
            }
        }
        self.used = used
        writtenSinceLook = 0
    }
}
