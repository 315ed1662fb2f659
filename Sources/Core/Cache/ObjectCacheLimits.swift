/// What an object in the disk cache is: what a reader needs to find its way, or content.
enum CachedKind: Int, Sendable, CaseIterable {
    /// Folders, snapshots, link targets and lists of chunks.
    case metadata
    /// Pieces of files.
    case content
}

/// Says how much disk space an `ObjectCache` may take; sizes are rounded up to whole pages, as a disk does.
public struct ObjectCacheLimits: Sendable, Equatable {
    private enum Rule: Equatable {
        case separate([Int])
        case total(Int)
    }

    private let rule: Rule

    private init(_ rule: Rule) {
        self.rule = rule
    }

    /// Bounds both kinds apart; what has 0 is not kept.
    public static func separate(metadata: Int, content: Int) -> ObjectCacheLimits {
        ObjectCacheLimits(.separate([metadata, content]))
    }

    /// Bounds the sum; content goes first.
    public static func total(_ byteCount: Int) -> ObjectCacheLimits {
        ObjectCacheLimits(.total(byteCount))
    }

    /// Whether nothing may be kept.
    public var isNothing: Bool { CachedKind.allCases.allSatisfy { limit(of: $0) == 0 } }

    /// The most that objects of one kind may take.
    func limit(of kind: CachedKind) -> Int {
        switch rule {
        case .separate(let limits): limits[kind.rawValue]
        case .total(let limit): limit
        }
    }

    /// How much of each kind has to go, so that `used` fits with `reserve` more of `kind`.
    ///
    /// - Parameter share: How full the cache may stay, in percent.
    func excess(_ used: [Int], reserve: Int, of kind: CachedKind, share: Int = 100) -> [Int] {
        switch rule {
        case .separate:
            var excess = CachedKind.allCases.map { _ in 0 }
            let allowed = limit(of: kind) / 100 * share
            excess[kind.rawValue] = max(0, used[kind.rawValue] + reserve - allowed)
            return excess
        case .total(let limit):
            let all = max(0, used.reduce(reserve, +) - limit / 100 * share)
            let content = min(all, used[CachedKind.content.rawValue])
            return [all - content, content]
        }
    }
}
