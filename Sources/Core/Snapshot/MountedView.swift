/// Answers what the kernel asks about a mounted snapshot or folder, in terms of node numbers.
///
/// Never blocks: an operation either has its result from memory or throws `.needs`; whoever called it loads the
/// blobs through `cache` and calls it again with them. All operations are safe on any number of threads.
/// - Source: rekkord(1), "mount".
public final class MountedView: Sendable {
    /// Where blobs come from.
    public let cache: BlobCache<DecodedBlob>
    let settings: MountSettings
    let root: MountRoot
    let nodes: NodeTable
    let sizes = KnownSizes()
    let readers = ReaderTable()
    let siblings = SiblingTable()
    let crawl = Locked(Crawl())
    let linkSiblings = SiblingTable()
    let linkCrawl = Locked(Crawl())
    let walks: FolderWalks
    let emptyFile: ObjectID?
    /// Nil unless the whole repository is mounted.
    let live: Live?
    /// What `.rekkord/stats` says.
    let report: @Sendable () -> [UInt8]
    let warn: @Sendable (String) -> Void
    private let warned = Locked<Set<Hash32>>([])

    /// The part above the snapshots.
    struct Live: Sendable {
        let tree = LiveTree()
        let census = SnapshotCensus()
        let refresh: LiveRefresh
        let history: HistoryTree
    }

    /// How long attributes are believed that a later read may correct.
    static let doubtfulSeconds: Double = 5
    private static let maxWarnedCount = 10_000
    /// Which part of the memory for blobs the versions of paths may take beside it.
    private static let historyShare = 8
    /// How much is fetched ahead of one reader at most, so that no connection waits for the next request.
    static let windowPerConnection = 4

    /// Makes a view of `root`.
    ///
    /// - Parameters:
    ///   - emptyFile: The blob of the empty file, to tell it from a file whose size was not known when it was saved.
    ///   - report: Gives the text of `.rekkord/stats`, always of the same length.
    ///   - warn: Is called with one line, once for each folder that does not show all its entries.
    public init(
        _ root: MountRoot,
        cache: BlobCache<DecodedBlob>,
        settings: MountSettings,
        emptyFile: ObjectID?,
        report: @escaping @Sendable () -> [UInt8] = { [] },
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.root = root
        self.report = report
        self.cache = cache
        self.settings = settings
        self.emptyFile = emptyFile
        self.warn = warn
        walks = FolderWalks(maxWindow: Self.windowPerConnection * settings.connectionCount)
        nodes = NodeTable(root: root.source, inodes: root.inodes)
        if case .live = root.source {
            live = Live(
                refresh: LiveRefresh(seconds: settings.refreshSeconds, now: MonotonicTime.milliseconds()),
                history: HistoryTree(byteLimit: cache.byteLimit / Self.historyShare)
            )
        } else {
            live = nil
        }
    }

    // MARK: Lookup and attributes

    /// Finds the entry `name` in a folder; nil when there is none, which stays so.
    ///
    /// The number in the result counts as handed to the kernel.
    public func lookup(
        _ name: UnsafeRawBufferPointer,
        in parent: NodeNumber,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> ShownNode? {
        // Newer kernels ask for whatever fits into a path.
        guard name.count <= EntryName.maxByteCount else { throw .fails(.nameTooLong) }
        let place = try place(parent, loaded)
        switch place.source {
        case .live(let folder): return try liveLookup(Array(name), in: folder, place, loaded)
        case .history(let folder): return try historyLookup(Array(name), in: folder, place, loaded)
        case .report: return reportLookup(Array(name), in: place)
        case .stored, .overlaid, .snapshot, .unreadable: break
        }
        let folder = try open(place.source, loaded)
        guard let index = folder.index(of: name) else { return nil }
        let content = hasFolder(folder, at: index) ? nil : content(of: place, folder)
        let spot = Spot(folder: folder, index: index, place: place, content: content)
        guard let shown = try show(spot, .named, loaded) else { return nil }
        let isFolder = shown.attributes.kind == .folder
        nodes.count(isFolder ? 1 : 0, in: place, isFolder ? 0 : 1, in: content)
        return shown
    }

    /// What is known of an entry, and for how many seconds it may be believed.
    public func attributes(
        of node: NodeNumber,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> (attributes: NodeAttributes, seconds: Double) {
        if node == .root {
            if let live { return (liveRootAttributes(live), liveSeconds) }
            return (rootAttributes, settings.immutableSeconds)
        }
        if let owner = nodes.owner(of: node), let item = try liveItem(owner, node.position),
            let attributes = try liveAttributes(item, owner, loaded)
        {
            return (attributes, liveSeconds)
        }
        if let found = try historyAttributes(of: node, loaded) { return found }
        if isReport(node) { return (reportAttributes, 0) }
        let spot = try spot(node, loaded)
        guard let shown = try show(spot, .named, loaded) else { throw .fails(.stale) }
        return (shown.attributes, shown.attributeSeconds)
    }

    /// For how many seconds the kernel may believe that a name is not in a folder.
    public func absentSeconds(in node: NodeNumber) -> Double {
        switch live == nil ? nil : nodes.place(node)?.source {
        case .live?, .history?: return liveSeconds
        case .stored?, .overlaid?, .snapshot?, .unreadable?, .report?, nil: return settings.immutableSeconds
        }
    }

    /// The path below the root of the mount, as far as memory tells, for messages.
    ///
    /// - Parameter name: An entry of the folder `node` that is meant instead.
    public func path(of node: NodeNumber, _ name: [UInt8]?, _ loaded: LoadedBlobs) -> [UInt8] {
        if let name { return nodes.place(node)?.path(to: name) ?? name }
        if let place = nodes.place(node) { return place.path }
        if let path = historyPath(of: node) { return path }
        guard let spot = try? spot(node, loaded),
            let place = spot.place ?? spot.content.map({ nodes.viewer(of: $0) })
        else {
            return []
        }
        return place.path(to: spot.folder.withName(at: spot.index) { Array($0) })
    }

    /// Takes back numbers that the kernel forgot.
    public func forget(_ items: some Sequence<(node: NodeNumber, count: UInt64)>) {
        nodes.forget(items)
    }

    private var rootAttributes: NodeAttributes {
        var attributes = shownAttributes(root.attributes, inode: NodeNumber.root.rawValue)
        attributes.kind = .folder
        attributes.links = UInt32(clamping: 2 + root.folderCount)
        return attributes
    }

    // MARK: Listing

    /// Lists a folder from `offset` on until `emit` has no room left.
    ///
    /// Offset 0 is `.`, 1 is `..`, and the rest are positions plus two, so a listing can go on anywhere. The numbers
    /// that were emitted count as handed to the kernel, except `.none`.
    /// - Parameter emit: Takes a name, what it is, and the offset at which to go on after it; false when it does
    ///   not fit.
    public func list(
        _ node: NodeNumber,
        from offset: UInt64,
        _ loaded: LoadedBlobs,
        _ emit: (UnsafeRawBufferPointer, ShownNode, UInt64) -> Bool
    ) throws(Obstacle) {
        let place = try place(node, loaded)
        if case .live(let folder) = place.source {
            guard emitDots(place, from: offset, emit) else { return }
            let start = Int(min(max(offset, 2) - 2, UInt64(Int.max / 2)))
            try liveList(folder, place, from: start, loaded, emit)
            return
        }
        if case .history(let folder) = place.source {
            return try historyList(folder, place, from: offset, loaded, emit)
        }
        if case .report = place.source {
            if emitDots(place, from: offset, emit), offset <= 2 { reportList(place, emit) }
            return
        }
        let folder: FolderView
        do {
            folder = try open(place.source, loaded)
        } catch {
            if case .needs = error, offset == 0 { walkWaits(at: place) }
            throw error
        }
        if offset == 0 { warnOfHidden(folder, place) }
        guard emitDots(place, from: offset, emit) else { return }
        var content: Content?
        var folders = 0
        var others = 0
        var index = Int(min(max(offset, 2) - 2, UInt64(folder.count)))
        while index < folder.count {
            if content == nil, !hasFolder(folder, at: index) { content = self.content(of: place, folder) }
            let spot = Spot(folder: folder, index: index, place: place, content: content)
            index += 1
            guard let shown = try show(spot, .listed, loaded) else { continue }
            guard folder.withName(at: spot.index, { emit($0, shown, UInt64(index + 2)) }) else { break }
            if shown.node == .none { continue }
            if shown.attributes.kind == .folder { folders += 1 } else { others += 1 }
        }
        nodes.count(folders, in: place, others, in: content)
        if offset == 0 {
            let waited = place.source.base.map { loaded[$0] != nil } ?? false
            walkListed(place, content, folder, waited: waited)
        }
    }

    func emitDots(
        _ place: Place,
        from offset: UInt64,
        _ emit: (UnsafeRawBufferPointer, ShownNode, UInt64) -> Bool
    ) -> Bool {
        if offset < 1, !emitDot(".", inode: place.inode, next: 1, emit) { return false }
        let parent = place.parent?.inode ?? place.inode
        return offset >= 2 || emitDot("..", inode: parent, next: 2, emit)
    }

    private func emitDot(
        _ name: StaticString,
        inode: UInt64,
        next: UInt64,
        _ emit: (UnsafeRawBufferPointer, ShownNode, UInt64) -> Bool
    ) -> Bool {
        var attributes = rootAttributes
        attributes.inode = inode
        let shown = ShownNode(node: .none, attributes: attributes, nameSeconds: 0, attributeSeconds: 0)
        return emit(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), shown, next)
    }

    private func warnOfHidden(_ folder: FolderView, _ place: Place) {
        guard let stored = folder.stored else { return }
        let specialCount = stored.specialCount
        guard stored.hiddenNameCount > 0 || specialCount > 0 else { return }
        let isNew = warned.withLock { warned in
            if warned.count >= Self.maxWarnedCount { warned.removeAll() }
            return warned.insert(place.source.base?.hash ?? .zero).inserted
        }
        guard isNew else { return }
        let path = PrintedName.escape(place.path)
        if specialCount > 0 { warn("cannot show all of '\(path)': \(specialCount) special files are hidden") }
        if stored.hiddenNameCount > 0 {
            warn("cannot show all of '\(path)': \(stored.hiddenNameCount) entries have bad or repeated names")
        }
    }

    // MARK: Links

    /// The target of a link.
    public func target(of node: NodeNumber, _ loaded: LoadedBlobs) throws(Obstacle) -> [UInt8] {
        if case .content(let content)? = nodes.owner(of: node),
            let item = try liveItem(.content(content), node.position)
        {
            guard let target = liveTarget(item, content) else { throw .fails(.notLink) }
            return target
        }
        let spot = try spot(node, loaded)
        let attributes = spot.folder.attributes(at: spot.index)
        guard Self.kind(of: attributes) == .link else { throw .fails(.notLink) }
        return try target(attributes, loaded)
    }

    func target(_ attributes: EntryAttributes, _ loaded: LoadedBlobs) throws(Obstacle) -> [UInt8] {
        guard let id = attributes.objectID else { throw .fails(.unreadable) }
        guard case .link(let target) = try blob(id, loaded) else {
            throw .fails(.damaged(Self.wrongType(id, "link")))
        }
        do {
            return try LinkTarget(target).bytes
        } catch {
            throw .fails(.damaged(RekkordError(.corrupted, "\(id): \(error.reason)")))
        }
    }

    // MARK: Finding

    private func hasFolder(_ folder: FolderView, at index: Int) -> Bool {
        Self.kind(of: folder.attributes(at: index)) == .folder
    }

    /// What `place` shows besides subfolders, numbered as in another version of it that is in memory.
    private func content(of place: Place, _ folder: FolderView) -> Content {
        nodes.content(of: place) {
            guard let stored = folder.stored, let other = nodes.otherVersion(of: place),
                case .stored(let id) = other.source, case .folder(let like)? = cache.peek(id)
            else { return nil }
            let own = InodeHash(folder: place.source.storedAlone ?? id)
            return InodeNumbering(own, of: stored, like: like) { other.inode(at: $0) }
        }
    }

    /// One entry of an open folder, and where its number lives.
    struct Spot {
        let folder: FolderView
        let index: Int
        let place: Place?
        let content: Content?
    }

    /// The entry that a number stands for, not the root.
    func spot(_ node: NodeNumber, _ loaded: LoadedBlobs) throws(Obstacle) -> Spot {
        guard let owner = nodes.owner(of: node) else { throw .fails(.stale) }
        if let spot = try historySpot(node, owner, loaded) { return spot }
        let spot: Spot
        switch owner {
        case .place(let place):
            spot = Spot(
                folder: try open(place.source, loaded),
                index: node.position,
                place: place,
                content: nil
            )
        case .content(let content):
            let folder = try open(content.source, loaded)
            spot = Spot(folder: folder, index: node.position, place: nil, content: content)
        }
        guard (0..<spot.folder.count).contains(spot.index) else { throw .fails(.stale) }
        return spot
    }

    /// The folder with this number, entered now if it was not before.
    func place(_ node: NodeNumber, _ loaded: LoadedBlobs) throws(Obstacle) -> Place {
        if let place = nodes.place(node) { return place }
        if let owner = nodes.owner(of: node), let item = try liveItem(owner, node.position) {
            guard case .folder(let source) = item.kind, case .place(let parent) = owner else {
                throw .fails(.notFolder)
            }
            return nodes.enter(node, parent: parent, name: item.name, source: source)
        }
        if let place = try historyPlace(node, loaded) { return place }
        let spot = try spot(node, loaded)
        guard let parent = spot.place else { throw .fails(.notFolder) }
        let item = spot.folder.item(at: spot.index)
        guard let source = FolderSource(item) else { throw .fails(.notFolder) }
        return nodes.enter(node, parent: parent, name: item.entry.name, source: source)
    }

    /// What a folder shows.
    func open(_ source: FolderSource, _ loaded: LoadedBlobs) throws(Obstacle) -> FolderView {
        switch source {
        case .stored(let id):
            return FolderView(stored: try folder(id, loaded), overlay: nil)
        case .overlaid(let folder):
            guard let base = folder.base else { return FolderView(stored: nil, overlay: folder.overlay) }
            return folder.view(over: try self.folder(base, loaded))
        case .snapshot(let id):
            guard case .snapshot(_, let tree) = try blob(id, loaded) else {
                throw .fails(.damaged(Self.wrongType(id, "snapshot")))
            }
            return tree.top
        case .unreadable:
            throw .fails(.unreadable)
        case .live, .history, .report:
            // Those are answered before anything is opened.
            throw .fails(.stale)
        }
    }

    private func folder(_ id: ObjectID, _ loaded: LoadedBlobs) throws(Obstacle) -> DirectoryBlob {
        guard case .folder(let folder) = try blob(id, loaded) else {
            throw .fails(.damaged(Self.wrongType(id, "folder")))
        }
        guard folder.count <= NodeNumber.maxPosition else {
            throw .fails(
                .damaged(RekkordError(.unsupported, "\(id): folder has too many entries"))
            )
        }
        return folder
    }

    /// A blob from memory.
    func blob(_ id: ObjectID, _ loaded: LoadedBlobs) throws(Obstacle) -> DecodedBlob {
        switch loaded[id] {
        case .success(let blob): return blob
        case .failure(let error): throw .fails(.damaged(error))
        case nil:
            guard let blob = cache.value(for: id) else { throw .needs([id]) }
            return blob
        }
    }

    static func wrongType(_ id: ObjectID, _ noun: String) -> RekkordError {
        RekkordError(.corrupted, "\(id): it is no \(noun)")
    }
}

extension FolderSource {
    /// The stored folder below whatever is laid over it.
    var base: ObjectID? {
        switch self {
        case .stored(let id): id
        case .overlaid(let folder): folder.base
        case .snapshot, .unreadable, .live, .history, .report: nil
        }
    }
}
