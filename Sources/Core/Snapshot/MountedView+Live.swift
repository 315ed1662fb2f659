/// What the kernel has to forget after a listing brought something new.
public struct LiveNotice: Sendable {
    /// A folder whose attributes and listing changed.
    public let folder: NodeNumber
    /// Names in it that came, went or mean something else.
    public let names: [[UInt8]]
}

/// The folders above the snapshots. They are answered from memory; only a snapshot itself is read, when entered.
extension MountedView {
    /// How long the kernel may believe what a new listing may change; 0 when each look shall start one.
    var liveSeconds: Double { settings.refreshSeconds == 0 ? 0 : min(1, settings.immutableSeconds) }

    private static let permissions: UInt32 = 0o555

    /// Takes over a listing of tags.
    ///
    /// - Parameter time: When the change is dated; nil for the first listing.
    /// - Returns: What the kernel has to forget, as far as it knows of it.
    public func update(_ listing: TagListing, at time: Timestamp?) -> [LiveNotice] {
        guard let live else { return [] }
        let changes = live.tree.update(listing, at: time)
        if !changes.isEmpty { live.history.noteChange() }
        return changes.compactMap { change in
            node(of: change.folder).map { LiveNotice(folder: $0, names: change.names) }
        }
    }

    /// Notes that a listing ended, well or not.
    public func refreshEnded() {
        live?.refresh.finish(at: MonotonicTime.milliseconds())
    }

    /// Whether the tags are to be listed again because of a look at `node`; then `refreshEnded` has to follow.
    public func refreshBegins(at node: NodeNumber) -> Bool {
        guard let live, let place = nodes.place(node) else { return false }
        switch place.source {
        case .live(.channels), .live(.snapshots), .live(.channel), .history: break
        case .live(.top), .stored, .overlaid, .snapshot, .unreadable, .report: return false
        }
        return live.refresh.begins(at: MonotonicTime.milliseconds())
    }

    /// The number of a folder, if it was entered.
    private func node(of folder: LiveFolder) -> NodeNumber? {
        let top = nodes.root
        switch folder {
        case .top: return .root
        case .channels: return NodeNumber(slot: top.slot, position: 0)
        case .snapshots: return NodeNumber(slot: top.slot, position: 1)
        case .channel(let index):
            return nodes.place(NodeNumber(slot: top.slot, position: 0)).map {
                NodeNumber(slot: $0.slot, position: index)
            }
        }
    }

    // MARK: Showing

    /// One thing to show in a live folder.
    struct LiveItem {
        enum Kind {
            case folder(FolderSource)
            /// The position of the snapshot it points to.
            case latest(Int)
        }

        let name: [UInt8]
        let kind: Kind
        /// The position in the slot of the folder, or of its content for a link.
        let position: Int
        let time: Timestamp
    }

    /// How many positions a live folder has.
    func liveCount(_ folder: LiveFolder, _ state: LiveTree.State) -> Int {
        switch folder {
        case .top: LiveNames.top.count
        case .channels: state.channels.count
        case .snapshots: state.snapshots.items.count
        case .channel(let index): state.channels[index].snapshots.items.count + 1
        }
    }

    /// What is shown at a position; nil for nothing.
    func liveItem(_ folder: LiveFolder, _ position: Int, _ state: LiveTree.State) -> LiveItem? {
        switch folder {
        case .top:
            return topItem(position, state)
        case .channels:
            let channel = state.channels[position]
            guard channel.isShown else { return nil }
            let own = LiveFolder.channel(position)
            return LiveItem(
                name: channel.name,
                kind: .folder(.live(own)),
                position: position,
                time: liveTime(own, state)
            )
        case .snapshots:
            return snapshotItem(state.snapshots.items[position], position)
        case .channel(let index):
            let channel = state.channels[index]
            // The last position is the link, so that the others can be appended to.
            guard position < channel.snapshots.items.count else { return latestItem(channel) }
            return snapshotItem(channel.snapshots.items[position], position)
        }
    }

    private func topItem(_ position: Int, _ state: LiveTree.State) -> LiveItem {
        let (source, time): (FolderSource, Timestamp) =
            switch position {
            case 0: (.live(.channels), liveTime(.channels, state))
            case 1: (.live(.snapshots), liveTime(.snapshots, state))
            case 2: (live.map { .history($0.history.root) } ?? .report, liveTime(.snapshots, state))
            default: (.report, liveTime(.top, state))
            }
        return LiveItem(
            name: LiveNames.top[position],
            kind: .folder(source),
            position: position,
            time: time
        )
    }

    private func snapshotItem(_ snapshot: LiveTree.Snapshot, _ position: Int) -> LiveItem? {
        guard snapshot.isShown else { return nil }
        let kind = LiveItem.Kind.folder(.snapshot(snapshot.id))
        return LiveItem(name: snapshot.name, kind: kind, position: position, time: snapshot.time)
    }

    private func latestItem(_ channel: LiveTree.Channel) -> LiveItem? {
        guard let newest = channel.snapshots.newest else { return nil }
        // Its number tells where it points, so a new target is a new link.
        return LiveItem(
            name: LiveNames.latest,
            kind: .latest(newest),
            position: newest,
            time: channel.snapshots.items[newest].time
        )
    }

    /// The later of the newest snapshot below and this mount's last change of the folder.
    private func liveTime(_ folder: LiveFolder, _ state: LiveTree.State) -> Timestamp {
        let zero = Timestamp(milliseconds: 0)
        let newest: Timestamp?
        let changed: Timestamp?
        switch folder {
        case .top: (newest, changed) = (state.snapshots.newestTime, nil)
        case .channels: (newest, changed) = (state.snapshots.newestTime, state.channelsChanged)
        case .snapshots: (newest, changed) = (state.snapshots.newestTime, state.snapshotsChanged)
        case .channel(let index):
            let channel = state.channels[index]
            (newest, changed) = (channel.snapshots.newestTime, channel.changed)
        }
        return max(newest ?? zero, changed ?? zero)
    }

    private func liveAttributes(
        _ item: LiveItem,
        inode: UInt64,
        _ state: LiveTree.State
    ) -> NodeAttributes {
        let owner = settings.owner ?? settings.mounter
        var attributes = NodeAttributes(
            inode: inode,
            kind: .folder,
            permissions: Self.permissions,
            uid: owner.uid,
            gid: owner.gid,
            size: 0,
            links: 2,
            access: item.time,
            modification: item.time,
            change: item.time
        )
        switch item.kind {
        case .latest: attributes.kind = .link
        case .folder(.live(.channels)): attributes.links = UInt32(clamping: 2 + state.shownChannelCount)
        case .folder(.live(.snapshots)):
            attributes.links = UInt32(clamping: 2 + state.snapshots.shownCount)
        case .folder(.live(.channel(let index))):
            attributes.links = UInt32(clamping: 2 + state.channels[index].snapshots.shownCount)
        case .folder(.live(.top)): attributes.links = UInt32(1 + LiveNames.top.count)
        case .folder(.history), .folder(.report): break
        case .folder: attributes.permissions = 0o755
        }
        if case .latest = item.kind { attributes.permissions = 0o777 }
        if case .latest = item.kind { attributes.links = 1 }
        return attributes
    }

    private func show(
        _ item: LiveItem,
        in folder: LiveFolder,
        _ place: Place,
        _ content: Content,
        _ state: LiveTree.State,
        _ reason: Reason,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> ShownNode {
        var attributes = liveAttributes(item, inode: place.inodes.appending(item.name).inode, state)
        var slot = place.slot
        var isKnown = true
        if case .folder(.snapshot(let id)) = item.kind {
            let facts = try facts(of: id, reason, loaded)
            attributes.links = UInt32(clamping: 2 + (facts?.folderCount ?? 0))
            // Whoever wants to know asks by name.
            isKnown = facts != nil || reason == .named
        }
        if case .latest(let target) = item.kind {
            slot = content.slot
            if case .channel(let index) = folder {
                attributes.size = UInt64(state.channels[index].snapshots.items[target].name.count)
            }
        }
        return ShownNode(
            node: isKnown ? NodeNumber(slot: slot, position: item.position) : .none,
            attributes: attributes,
            nameSeconds: liveSeconds,
            attributeSeconds: liveSeconds
        )
    }

    // MARK: Operations

    /// The root of a whole repository.
    func liveRootAttributes(_ live: Live) -> NodeAttributes {
        let state = live.tree.state
        let time = liveTime(.top, state)
        let item = LiveItem(name: [], kind: .folder(.live(.top)), position: 0, time: time)
        return liveAttributes(item, inode: NodeNumber.root.rawValue, state)
    }

    func liveLookup(
        _ name: [UInt8],
        in folder: LiveFolder,
        _ place: Place,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> ShownNode? {
        guard let live else { return nil }
        let state = live.tree.state
        let position: Int?
        switch folder {
        case .top: position = LiveNames.top.firstIndex(of: name)
        case .channels: position = state.channelsByName[name]
        case .snapshots:
            position = ObjectID(text: String(decoding: name, as: UTF8.self)).flatMap { id in
                // Digits of the other case are another name.
                Array(id.description.utf8) == name ? state.snapshots.byID[id] : nil
            }
        case .channel(let index):
            let channel = state.channels[index]
            position = name == LiveNames.latest ? channel.snapshots.items.count : channel.byName[name]
        }
        guard let position, let item = liveItem(folder, position, state) else { return nil }
        let content = nodes.content(of: place)
        let shown: ShownNode
        do {
            shown = try show(item, in: folder, place, content, state, .named, loaded)
        } catch {
            readSnapshots(content, in: folder, after: position)
            throw error
        }
        let isFolder = shown.attributes.kind == .folder
        nodes.count(isFolder ? 1 : 0, in: place, isFolder ? 0 : 1, in: content)
        return shown
    }

    /// Lists positions from `start` on; the offsets are those of `list`.
    func liveList(
        _ folder: LiveFolder,
        _ place: Place,
        from start: Int,
        _ loaded: LoadedBlobs,
        _ emit: (UnsafeRawBufferPointer, ShownNode, UInt64) -> Bool
    ) throws(Obstacle) {
        guard let live else { return }
        let state = live.tree.state
        let content = nodes.content(of: place)
        var (folders, others) = (0, 0)
        let count = folder == .top ? LiveNames.top.count - 1 : liveCount(folder, state)
        for position in start..<max(start, count) {
            guard let item = liveItem(folder, position, state) else { continue }
            let shown = try show(item, in: folder, place, content, state, .listed, loaded)
            guard item.name.withRawBytes({ emit($0, shown, UInt64(position + 3)) }) else { break }
            if shown.node == .none { continue }
            if shown.attributes.kind == .folder { folders += 1 } else { others += 1 }
        }
        nodes.count(folders, in: place, others, in: content)
    }

    /// What a number in a live folder stands for.
    func liveItem(_ owner: NodeTable.Owner, _ position: Int) throws(Obstacle) -> LiveItem? {
        guard let live else { return nil }
        let state = live.tree.state
        switch owner {
        case .place(let place):
            guard case .live(let folder) = place.source else { return nil }
            guard (0..<liveCount(folder, state)).contains(position),
                let item = liveItem(folder, position, state)
            else { throw .fails(.stale) }
            return item
        case .content(let content):
            guard case .live(.channel(let index)) = content.source else { return nil }
            let channel = state.channels[index]
            guard channel.snapshots.items.indices.contains(position) else { throw .fails(.stale) }
            return LiveItem(
                name: LiveNames.latest,
                kind: .latest(position),
                position: position,
                time: channel.snapshots.items[position].time
            )
        }
    }

    func liveAttributes(
        _ item: LiveItem,
        _ owner: NodeTable.Owner,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> NodeAttributes? {
        guard let live else { return nil }
        let state = live.tree.state
        switch owner {
        case .place(let place):
            var attributes = liveAttributes(item, inode: place.inodes.appending(item.name).inode, state)
            if case .folder(.snapshot(let id)) = item.kind {
                let count = try facts(of: id, .named, loaded)?.folderCount
                attributes.links = UInt32(clamping: 2 + (count ?? 0))
            }
            return attributes
        case .content(let content):
            var attributes = liveAttributes(item, inode: content.inodes.appending(item.name).inode, state)
            attributes.size = UInt64(liveTarget(item, content)?.count ?? 0)
            return attributes
        }
    }

    /// Where `latest` points: the name of a snapshot beside it.
    func liveTarget(_ item: LiveItem, _ content: Content) -> [UInt8]? {
        guard let live, case .latest(let position) = item.kind,
            case .live(.channel(let index)) = content.source
        else { return nil }
        return live.tree.state.channels[index].snapshots.items[position].name
    }
}
