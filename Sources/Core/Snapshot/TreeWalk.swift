/// Is told what a walk through folders meets, in the order of a listing.
///
/// Per entry: `begin`, then, if it was entered, `open`, the same for each of its entries, `close`; then `end`.
public protocol TreeVisitor {
    /// An entry is met; at depth 0 it is one of those that the walk started with.
    ///
    /// - Returns: Whether it is to be entered, if that is possible.
    mutating func begin(_ item: FolderView.Item, depth: Int) throws(RekkordError) -> Bool
    /// The entry begun last is entered.
    mutating func open(_ view: FolderView, path: [UInt8]) throws(RekkordError)
    /// The entry opened last has no more entries.
    mutating func close() throws(RekkordError)
    /// The entry begun last is done.
    mutating func end(_ item: FolderView.Item, depth: Int) throws(RekkordError)
    /// A folder could not be read, or not read again after it was left for a while; the message names it.
    ///
    /// - Throws: To end the walk. Otherwise it goes on behind that folder.
    mutating func fail(_ error: RekkordError) throws(RekkordError)
}

/// Visits the entries of folders, depth first, each folder when it is met.
///
/// Needs no recursion and holds folders of at most `maxHeldByteCount` (or one folder), however deep the tree and
/// however many paths lead to one folder: beyond it the outermost ones are dropped, and read again on the way back.
public struct TreeWalk {
    /// The most memory of folders held at a time.
    public static let maxHeldByteCount = 64 << 20

    /// How many entries are looked at to find the next folders, however many files stand between them.
    private static let maxStepCount = 16_384

    /// One folder being visited.
    private struct Level {
        /// How it was met; nil for what the walk started with.
        let item: FolderView.Item?
        /// Its entries; nil while dropped.
        var view: FolderView?
        var next = 0
        /// How long the path of this folder is.
        let pathByteCount: Int

        var memoryByteCount: Int { item == nil ? 0 : view?.stored?.memoryByteCount ?? 0 }
    }

    private let reader: SnapshotReader
    private let isRecursive: Bool
    private let maxHeldByteCount: Int
    private var levels: [Level] = []
    private var path: [UInt8] = []
    private var heldByteCount = 0
    /// No level below this one is held, except what the walk started with.
    private var firstHeld = 0
    /// How many folders the source was told of and not asked for since.
    private var aheadCount = 0

    /// How many folders around the next entry were met by this walk.
    private var depth: Int { levels.first?.item == nil ? max(0, levels.count - 1) : levels.count }

    /// Prepares a walk.
    ///
    /// - Parameter isRecursive: Whether folders that are met are entered.
    public init(_ reader: SnapshotReader, isRecursive: Bool, maxHeldByteCount: Int = maxHeldByteCount) {
        self.reader = reader
        self.isRecursive = isRecursive
        self.maxHeldByteCount = maxHeldByteCount
    }

    /// Visits the entries of a folder that is open already.
    public mutating func visit(_ view: FolderView, _ visitor: inout some TreeVisitor) throws(RekkordError) {
        levels = [Level(item: nil, view: view, pathByteCount: 0)]
        expectNext()
        try run(&visitor)
    }

    /// Visits one entry and, when recursive, what is below it.
    public mutating func visit(_ item: FolderView.Item, _ visitor: inout some TreeVisitor)
        throws(RekkordError)
    {
        levels = []
        try meet(item, &visitor)
        try run(&visitor)
    }

    private mutating func run(_ visitor: inout some TreeVisitor) throws(RekkordError) {
        while let level = levels.last {
            path.removeSubrange(level.pathByteCount...)
            guard let view = try held(level, &visitor), level.next < view.count else {
                try leave(&visitor)
                continue
            }
            levels[levels.count - 1].next += 1
            try meet(view.item(at: level.next), &visitor)
        }
    }

    /// Begins an entry, and enters it or ends it.
    private mutating func meet(_ item: FolderView.Item, _ visitor: inout some TreeVisitor)
        throws(RekkordError)
    {
        let isWanted = try visitor.begin(item, depth: depth)
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        path += item.entry.name
        if isRecursive, isWanted, item.isFolder, item.overlay != nil || item.entry.objectID != nil,
            let view = try open(item, &visitor)
        {
            try visitor.open(view, path: path)
            levels.append(Level(item: item, view: view, pathByteCount: path.count))
            hold(levels[levels.count - 1].memoryByteCount)
            aheadCount -= 1
            expectNext()
        } else {
            try visitor.end(item, depth: depth)
        }
    }

    /// Tells the source which folders come next, many at once.
    ///
    /// Folders below those are not known yet, so it goes outwards.
    private mutating func expectNext() {
        let window = reader.source.window
        guard isRecursive, window > 0, aheadCount <= window / 2 else { return }
        aheadCount = 0
        var steps = 0
        for level in levels.reversed() {
            guard let view = level.view else { continue }
            for index in level.next..<view.count {
                steps += 1
                guard aheadCount < window, steps < Self.maxStepCount else { return }
                let attributes = view.attributes(at: index)
                guard attributes.isFolder, let id = attributes.objectID else { continue }
                reader.source.expect(id)
                aheadCount += 1
            }
        }
    }

    private mutating func leave(_ visitor: inout some TreeVisitor) throws(RekkordError) {
        let level = levels.removeLast()
        heldByteCount -= level.memoryByteCount
        firstHeld = min(firstHeld, levels.count)
        guard let item = level.item else { return }
        try visitor.close()
        try visitor.end(item, depth: depth)
    }

    /// The entries of the innermost level, read again if they were dropped; nil when that failed.
    private mutating func held(
        _ level: Level,
        _ visitor: inout some TreeVisitor
    ) throws(RekkordError) -> FolderView? {
        if let view = level.view { return view }
        guard let item = level.item, let view = try open(item, &visitor) else { return nil }
        levels[levels.count - 1].view = view
        firstHeld = min(firstHeld, levels.count - 1)
        hold(levels[levels.count - 1].memoryByteCount)
        return view
    }

    /// Opens the folder at `path`, or reports why not.
    private func open(
        _ item: FolderView.Item,
        _ visitor: inout some TreeVisitor
    ) throws(RekkordError) -> FolderView? {
        do {
            return try reader.open(item)
        } catch {
            try visitor.fail(error.reading(path))
            return nil
        }
    }

    /// Counts a level that was just opened, and drops outer ones while there is too much.
    private mutating func hold(_ byteCount: Int) {
        heldByteCount += byteCount
        while heldByteCount > maxHeldByteCount, firstHeld < levels.count - 1 {
            heldByteCount -= levels[firstHeld].memoryByteCount
            if levels[firstHeld].item != nil { levels[firstHeld].view = nil }
            firstHeld += 1
        }
    }
}
