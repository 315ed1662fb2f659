/// Notices who goes through folders, as `find`, `ls -R` and `rsync` do, and says how far to fetch ahead of each.
///
/// A walker is known by its steps: from a folder into one below it, or on to the next one of a folder around it.
/// How far ahead grows fourfold each time that it had to wait. Everybody else is a walker who has not set off.
final class FolderWalks: Sendable {
    /// What should be on its way.
    struct Advice {
        /// How many folders; 0 for nothing to do.
        let count: Int
        /// The folder that the walk does not leave, as far as it has shown.
        let top: Place
    }

    private struct Walker {
        var place: Place
        var top: Place
        /// How many folders are wanted ahead; 0 before the first step.
        var window = 0
        /// How many folders ahead were looked for and not listed since.
        var ahead = 0
        var lastStep: Int64
    }

    private static let maxWalkerCount = 4
    private static let firstWindow = 8
    /// Who rests for longer walks no more.
    private static let restMilliseconds: Int64 = 1000
    /// How many folders around one are looked at to recognise a walker.
    private static let maxClimb = 64

    private let maxWindow: Int
    private let walkers = Locked<[Walker]>([])

    /// - Parameter maxWindow: The most folders that are fetched ahead of one walker.
    init(maxWindow: Int) {
        self.maxWindow = max(1, maxWindow)
    }

    /// Notes that `place` is listed from its start; returns what to have on its way behind it.
    ///
    /// - Parameter waited: Whether its entries have to be loaded first.
    func note(_ place: Place, waited: Bool, at milliseconds: Int64) -> Advice {
        walkers.withLock { note(place, waited: waited, at: milliseconds, &$0) }
    }

    private func note(
        _ place: Place,
        waited: Bool,
        at milliseconds: Int64,
        _ walkers: inout [Walker]
    ) -> Advice {
        let known = walkers.firstIndex { walker in
            milliseconds - walker.lastStep <= Self.restMilliseconds
                && Self.isStep(from: walker.place, to: place)
        }
        guard let index = known else {
            Self.begin(at: place, milliseconds, &walkers)
            return Advice(count: 0, top: place)
        }
        var walker = walkers[index]
        walker.place = place
        if let parent = place.parent, !Self.isInside(place, walker.top) { walker.top = parent }
        walker.lastStep = milliseconds
        walker.ahead -= 1
        if walker.window == 0 {
            walker.window = min(Self.firstWindow, maxWindow)
        } else if waited {
            walker.window = min(walker.window * 4, maxWindow)
        }
        // Looking ahead costs time for each folder, so it is done for many at once.
        let isDue = waited || walker.ahead <= walker.window / 2
        if isDue { walker.ahead = walker.window }
        walkers[index] = walker
        return Advice(count: isDue ? walker.window : 0, top: walker.top)
    }

    /// Notes that the entries of `place` came; returns what to have on its way behind it.
    func noteLoaded(_ place: Place) -> Advice {
        let walker = walkers.withLock { $0.first { $0.place.node == place.node } }
        return Advice(count: walker?.window ?? 0, top: walker?.top ?? place)
    }

    /// Whether anybody walks.
    func isActive(at milliseconds: Int64) -> Bool {
        walkers.withLock { $0.contains { milliseconds - $0.lastStep <= 3 * Self.restMilliseconds } }
    }

    private static func begin(at place: Place, _ milliseconds: Int64, _ walkers: inout [Walker]) {
        // Who lists one folder again and again is no walker, and takes nobody's place.
        if let index = walkers.firstIndex(where: { $0.place.node == place.node }) {
            walkers[index].lastStep = milliseconds
            return
        }
        if walkers.count == maxWalkerCount,
            let oldest = walkers.indices.min(by: { walkers[$0].lastStep < walkers[$1].lastStep })
        {
            walkers.remove(at: oldest)
        }
        walkers.append(Walker(place: place, top: place, lastStep: milliseconds))
    }

    private static func isStep(from: Place, to place: Place) -> Bool {
        guard let parent = place.parent, from.node != place.node else { return false }
        return isInside(from, parent)
    }

    /// Whether `place` is `top` or below it.
    private static func isInside(_ place: Place, _ top: Place) -> Bool {
        var around: Place? = place
        for _ in 0..<maxClimb {
            guard let candidate = around else { return false }
            if candidate.node == top.node { return true }
            around = candidate.parent
        }
        return false
    }
}
