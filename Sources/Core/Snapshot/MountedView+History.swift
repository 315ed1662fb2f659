/// The folder `history`: below it, each saved path is a folder of its distinct versions.
///
/// `history/home/alice/notes` lists one entry for each version of `home/alice/notes`, named by time and channel of
/// the oldest snapshot that holds it. A deeper path is found by name in the folder of the path around it, and not
/// listed there: a crawl of a whole mount does not read everything once more for each version.
///
/// The name of any snapshot that holds the path can be looked up, also when it holds the same version as an older one:
/// a name that was shown stays right when an older snapshot turns up. Where a version and a deeper path have the same
/// name, which takes a file named after a later snapshot, the version is meant.
extension MountedView {
    /// What a number below `history` stands for.
    private enum HistoryNode {
        /// A deeper path.
        case path(HistoryFolder, in: Place)
        /// The path of the folder in the snapshot at a position.
        case version(HistoryFolder, Int, NodeTable.Owner)
    }

    private func historyNode(_ node: NodeNumber) -> HistoryNode? {
        guard live != nil, let owner = nodes.owner(of: node) else { return nil }
        return historyNode(node, owner)
    }

    private func historyNode(_ node: NodeNumber, _ owner: NodeTable.Owner) -> HistoryNode? {
        let source =
            switch owner {
            case .place(let place): place.source
            case .content(let content): content.source
            }
        guard case .history(let folder) = source else { return nil }
        if case .place(let place) = owner, let name = folder.childName(at: node.position) {
            return .path(folder.child(name), in: place)
        }
        return .version(folder, node.position, owner)
    }

    // MARK: One version

    /// An entry and the folder that holds it.
    private struct Found {
        let source: FolderSource
        let view: FolderView
        let index: Int
    }

    /// Finds a path in one snapshot; nil when it is not in there.
    private func find(_ folder: HistoryFolder, _ position: Int, _ loaded: LoadedBlobs) throws(Obstacle)
        -> Found?
    {
        guard let live, folder.parent != nil else { return nil }
        let calendar = live.history.calendar(live.tree).calendar
        guard calendar.moments.indices.contains(position), calendar.moments[position].isShown else {
            return nil
        }
        var source = FolderSource.snapshot(calendar.moments[position].id)
        var found: Found?
        for name in folder.path {
            if let around = found {
                guard let next = FolderSource(around.view.item(at: around.index)) else { return nil }
                if case .unreadable = next { return nil }
                source = next
            }
            let view = try open(source, loaded)
            guard let index = name.withRawBytes({ view.index(of: $0) }) else { return nil }
            found = Found(source: source, view: view, index: index)
        }
        return found
    }

    private func versionName(_ position: Int) -> [UInt8]? {
        guard let live else { return nil }
        let moments = live.history.calendar(live.tree).calendar.moments
        return moments.indices.contains(position) ? moments[position].name : nil
    }

    /// What the kernel is told of a version, and where its number lives.
    private func show(
        _ found: Found,
        _ position: Int,
        in place: Place,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> (shown: ShownNode, content: Content?)? {
        guard let name = versionName(position) else { return nil }
        let inode = place.inodes.appending(name).inode
        let isFolder = Self.kind(of: found.view.attributes(at: found.index)) == .folder
        // A file in a folder that is shown as stored has one number wherever it is seen, and so one set of pages.
        let sharing = isFolder ? nil : sharedContent(found.source, place)
        let content = isFolder ? nil : sharing ?? nodes.content(of: place)
        let spot = Spot(folder: found.view, index: found.index, place: place, content: content)
        guard var shown = try show(spot, .named, loaded) else { return nil }
        if sharing == nil {
            shown.node = NodeNumber(slot: content?.slot ?? place.slot, position: position)
            shown.attributes.inode = inode
        }
        shown.nameSeconds = liveSeconds
        return (shown, content)
    }

    /// The content that a stored folder has everywhere; nil when something is laid over it.
    private func sharedContent(_ source: FolderSource, _ place: Place) -> Content? {
        guard source.storedAlone != nil, let around = place.parent else { return nil }
        let viewer = Place(
            node: around.node,
            slot: around.slot,
            parent: around.parent,
            name: around.name,
            source: source,
            inodes: around.inodes
        )
        return nodes.content(of: viewer)
    }

    // MARK: Operations

    func historyLookup(
        _ name: [UInt8],
        in folder: HistoryFolder,
        _ place: Place,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> ShownNode? {
        guard let live else { return nil }
        if let position = HistoryCalendar.position(of: name, live.tree.state),
            let found = try find(folder, position, loaded),
            let (shown, content) = try show(found, position, in: place, loaded)
        {
            nodes.count(
                content == nil ? 1 : 0,
                in: place,
                content == nil ? 0 : 1,
                in: content ?? nodes.content(of: place)
            )
            return shown
        }
        let child = folder.child(name)
        let attributes = try pathAttributes(child, in: place, loaded)
        guard let attributes, let position = folder.position(ofChild: name) else { return nil }
        nodes.count(1, in: place, 0, in: nodes.content(of: place))
        return ShownNode(
            node: NodeNumber(slot: place.slot, position: position),
            attributes: attributes,
            nameSeconds: liveSeconds,
            attributeSeconds: liveSeconds
        )
    }

    /// What a deeper path is; nil when no snapshot holds it.
    private func pathAttributes(
        _ folder: HistoryFolder,
        in place: Place,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> NodeAttributes? {
        let (table, calendar) = try versions(of: folder, loaded)
        let firsts = table.firsts
        guard let newest = firsts.map({ calendar.moments[$0.first].time }).max() else {
            // Where something could not be read nobody knows that the path was never saved.
            if let damage = table.damage { throw .fails(.damaged(damage)) }
            return nil
        }
        // The kernel keeps a listing until this time is another one, also where a snapshot is from the future.
        let time = table.changed ?? newest
        let folderCount = firsts.count(where: { $0.kind == .folder })
        return folderAttributes(inode: place.inodes.appending(folder.name).inode, folderCount, time)
    }

    /// What a number below `history` is; nil for any other number.
    func historyAttributes(
        of node: NodeNumber,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> (attributes: NodeAttributes, seconds: Double)? {
        switch historyNode(node) {
        case nil:
            return nil
        case .path(let folder, let place)?:
            guard let attributes = try pathAttributes(folder, in: place, loaded) else { throw .fails(.stale) }
            return (attributes, liveSeconds)
        case .version(let folder, let position, let owner)?:
            let place =
                switch owner {
                case .place(let place): place
                case .content(let content): nodes.viewer(of: content)
                }
            guard let found = try find(folder, position, loaded),
                let (shown, _) = try show(found, position, in: place, loaded)
            else { throw .fails(.stale) }
            return (shown.attributes, shown.attributeSeconds)
        }
    }

    private func folderAttributes(inode: UInt64, _ folderCount: Int, _ time: Timestamp) -> NodeAttributes {
        let owner = settings.owner ?? settings.mounter
        return NodeAttributes(
            inode: inode,
            kind: .folder,
            permissions: 0o555,
            uid: owner.uid,
            gid: owner.gid,
            size: 0,
            links: UInt32(clamping: 2 + folderCount),
            access: time,
            modification: time,
            change: time
        )
    }

    /// Lists the versions, each to be looked up by who wants to know more of it; the offsets are those of `list`.
    ///
    /// A list that may lack some ends with their damage, behind those that are known.
    func historyList(
        _ folder: HistoryFolder,
        _ place: Place,
        from offset: UInt64,
        _ loaded: LoadedBlobs,
        _ emit: (UnsafeRawBufferPointer, ShownNode, UInt64) -> Bool
    ) throws(Obstacle) {
        guard folder.parent != nil else {
            _ = emitDots(place, from: offset, emit)
            return
        }
        let (table, calendar) = try versions(of: folder, loaded)
        guard emitDots(place, from: offset, emit) else { return }
        let start = Int(min(max(offset, 2) - 2, UInt64(NodeNumber.maxPosition)))
        let rest = table.firsts.filter { $0.first >= start }
        if rest.isEmpty, offset >= 2, let damage = table.damage { throw .fails(.damaged(damage)) }
        for (position, kind) in rest {
            let name = calendar.moments[position].name
            var attributes = folderAttributes(
                inode: place.inodes.appending(name).inode,
                0,
                calendar.moments[position].time
            )
            attributes.kind = kind
            let shown = ShownNode(node: .none, attributes: attributes, nameSeconds: 0, attributeSeconds: 0)
            guard name.withRawBytes({ emit($0, shown, UInt64(position + 3)) }) else { return }
        }
    }

    /// Enters the folder with this number; nil when it is not one below `history`.
    func historyPlace(_ node: NodeNumber, _ loaded: LoadedBlobs) throws(Obstacle) -> Place? {
        switch historyNode(node) {
        case nil:
            return nil
        case .path(let folder, let place)?:
            return nodes.enter(node, parent: place, name: folder.name, source: .history(folder))
        case .version(let folder, let position, .place(let place))?:
            guard let found = try find(folder, position, loaded), let name = versionName(position) else {
                throw .fails(.stale)
            }
            guard let source = FolderSource(found.view.item(at: found.index)) else {
                throw .fails(.notFolder)
            }
            return nodes.enter(node, parent: place, name: name, source: source)
        case .version?:
            throw .fails(.notFolder)
        }
    }

    /// The entry with this number; nil when it is no version below `history`.
    func historySpot(
        _ node: NodeNumber,
        _ owner: NodeTable.Owner,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> Spot? {
        guard case .version(let folder, let position, _)? = historyNode(node, owner) else { return nil }
        guard let found = try find(folder, position, loaded) else { throw .fails(.stale) }
        switch owner {
        case .place(let place):
            return Spot(folder: found.view, index: found.index, place: place, content: nil)
        case .content(let content):
            return Spot(folder: found.view, index: found.index, place: nil, content: content)
        }
    }

    /// The path of what was not entered below `history`; nil for any other number.
    func historyPath(of node: NodeNumber) -> [UInt8]? {
        switch historyNode(node) {
        case .path(let folder, let place)?: place.path(to: folder.name)
        case .version(_, let position, .place(let place))?: place.path(to: versionName(position) ?? [])
        case .version(_, let position, .content(let content))?:
            nodes.viewer(of: content).path(to: versionName(position) ?? [])
        case nil: nil
        }
    }

    /// Whether a number is that of a path below `history`, of which nothing is stored.
    func isHistoryPath(_ node: NodeNumber) -> Bool {
        if case .path? = historyNode(node) { true } else { false }
    }
}
