/// Fetches ahead for somebody who goes through folders, and through the files or links of a folder.
extension MountedView {
    /// How many entries are looked at to find the next folders, however many files stand between them.
    private static let maxStepCount = 16_384
    /// How many folders around one are searched for the next ones.
    private static let maxLevelCount = 64

    /// Somebody lists `place` from its start and has to wait for it.
    func walkWaits(at place: Place) {
        let now = MonotonicTime.milliseconds()
        fetchFolders(behind: place, walks.note(place, waited: true, at: now))
    }

    /// Somebody got the entries of `place` from its start.
    ///
    /// - Parameters:
    ///   - content: Its files and links; nil when it has none.
    ///   - waited: Whether `walkWaits` was called for it.
    func walkListed(_ place: Place, _ content: Content?, _ folder: FolderView, waited: Bool) {
        let now = MonotonicTime.milliseconds()
        let advice = waited ? walks.noteLoaded(place) : walks.note(place, waited: false, at: now)
        fetchFolders(behind: place, advice)
        let inherited = crawl.withLock { $0.window(at: now) }
        guard inherited > 0, let content else { return }
        let wanted = siblings.reading(in: content) {
            $0.noteListing(count: folder.count, inherited: inherited)
        }
        prefetch(.file, wanted, of: folder)
    }

    /// Somebody reads a file, having read others of the folder before, or not.
    func readSiblings(_ content: Content, _ spot: Spot, waited: Bool) {
        note(spot, of: content, siblings, crawl, .file, waited: waited)
    }

    /// Somebody asks for a link, whose target stands in a blob of its own.
    func readLinks(_ content: Content, _ spot: Spot, waited: Bool) {
        note(spot, of: content, linkSiblings, linkCrawl, .link, waited: waited)
    }

    private func note(
        _ spot: Spot,
        of content: Content,
        _ siblings: SiblingTable,
        _ crawl: borrowing Locked<Crawl>,
        _ kind: NodeAttributes.Kind,
        waited: Bool
    ) {
        let now = MonotonicTime.milliseconds()
        let inherited = crawl.withLock { $0.window(at: now) }
        let (wanted, window) = siblings.reading(in: content) {
            ($0.note(spot.index, waited: waited, count: spot.folder.count, inherited: inherited), $0.window)
        }
        crawl.withLock { $0.note(window, at: now) }
        prefetch(kind, wanted, of: spot.folder)
    }

    private func prefetch(_ kind: NodeAttributes.Kind, _ wanted: Range<Int>, of folder: FolderView) {
        var byteCount: Int64 = 0
        for index in wanted {
            let attributes = folder.attributes(at: index)
            guard Self.kind(of: attributes) == kind, let id = attributes.objectID, id != emptyFile else {
                continue
            }
            byteCount += max(0, attributes.size)
            guard byteCount <= settings.readAheadByteCount, byteCount <= cache.byteLimit / 4 else { break }
            cache.prefetch(id) { true }
        }
    }

    // MARK: Folders

    /// One folder on the way, and its first entry that comes after everything before.
    private struct Level {
        let view: FolderView
        var next: Int
    }

    /// Has those folders on their way that come after `place` for somebody who goes depth first.
    ///
    /// A folder that is on its way hides those below it; when it is there, the next look finds them.
    private func fetchFolders(behind place: Place, _ advice: FolderWalks.Advice) {
        guard advice.count > 0 else { return }
        var levels = levels(around: place, in: advice.top)
        var missing = advice.count
        var steps = 0
        while missing > 0, steps < Self.maxStepCount, var level = levels.popLast() {
            while level.next < level.view.count, steps < Self.maxStepCount {
                steps += 1
                level.next += 1
                guard let child = Self.subfolder(of: level.view, at: level.next - 1) else { continue }
                missing -= 1
                levels.append(level)
                if let view = view(child) { levels.append(Level(view: view, next: 0)) }
                break
            }
        }
    }

    /// The folders from `top` down to `place`, each with what comes after the way.
    private func levels(around place: Place, in top: Place) -> [Level] {
        var levels: [Level] = []
        var current: Place? = place
        var next = 0
        for _ in 0..<Self.maxLevelCount {
            guard let folder = current else { break }
            if let view = peek(folder.source) { levels.append(Level(view: view, next: next)) }
            if folder.node == top.node { break }
            next = folder.node.position + 1
            current = folder.parent
        }
        return levels.reversed()
    }

    /// What a folder that is in memory shows.
    private func peek(_ source: FolderSource) -> FolderView? {
        switch source {
        case .stored(let id):
            guard case .folder(let folder)? = cache.peek(id) else { return nil }
            return FolderView(stored: folder, overlay: nil)
        case .overlaid(let folder):
            guard let base = folder.base else { return FolderView(stored: nil, overlay: folder.overlay) }
            guard case .folder(let stored)? = cache.peek(base) else { return nil }
            return folder.view(over: stored)
        case .snapshot(let id):
            guard case .snapshot(_, let tree)? = cache.peek(id) else { return nil }
            return tree.top
        case .unreadable, .live, .report, .history:
            return nil
        }
    }

    private static func subfolder(of folder: FolderView, at index: Int) -> FolderSource? {
        let attributes = folder.attributes(at: index)
        guard attributes.isFolder else { return nil }
        if folder.isMerged, let overlay = folder.item(at: index).overlay {
            return .overlaid(OverlaidFolder(base: attributes.objectID, overlay))
        }
        return attributes.objectID.map { .stored($0) }
    }

    /// What a folder shows if it is in memory; else it is fetched.
    private func view(_ source: FolderSource) -> FolderView? {
        if let view = peek(source) { return view }
        if let id = source.base {
            cache.prefetch(id) { [walks] in walks.isActive(at: MonotonicTime.milliseconds()) }
        }
        return nil
    }
}
