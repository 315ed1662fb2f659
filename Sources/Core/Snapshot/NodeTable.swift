/// Remembers the folders that the kernel has numbers in; nothing is kept per file.
///
/// A slot stays as long as the kernel remembers any number in it. A place without such numbers can be dropped at
/// any time, since the number of the folder says where to find it again: in the slot of its parent.
final class NodeTable: Sendable {
    /// Whose numbers a slot holds.
    enum Owner: Sendable {
        /// Subfolders of this place.
        case place(Place)
        /// Files and links of this content.
        case content(Content)
    }

    private struct Row {
        let owner: Owner
        var lookups: UInt64 = 0
    }

    private struct State {
        var rows: [UInt64: Row] = [:]
        var placeSlots: [NodeNumber: UInt64] = [:]
        var contentSlots: [Content.Key: UInt64] = [:]
        /// The last content that was entered of each folder with versions.
        var lineageSlots: [InodeHash: UInt64] = [:]
        /// 40 bits of slots last for 34 years at a thousand a second.
        var nextSlot: UInt64 = 1

        mutating func takeSlot() -> UInt64 {
            defer { nextSlot += 1 }
            return nextSlot
        }

        func content(_ slot: UInt64?) -> Content? {
            guard let slot, case .content(let content)? = rows[slot]?.owner else { return nil }
            return content
        }
    }

    /// The folder that is mounted.
    let root: Place
    private let state: Locked<State>

    /// - Parameter inodes: From the identity of what is mounted.
    init(root source: FolderSource, inodes: InodeHash) {
        var state = State()
        let slot = state.takeSlot()
        root = Place(node: .root, slot: slot, parent: nil, name: [], source: source, inodes: inodes)
        state.rows[slot] = Row(owner: .place(root))
        state.placeSlots[.root] = slot
        self.state = Locked(state)
    }

    /// How many folders are remembered, for reports and tests.
    var count: Int { state.withLock { $0.rows.count } }

    /// The folder with this number, if it was entered and not dropped since.
    func place(_ node: NodeNumber) -> Place? {
        state.withLock { state in
            guard let slot = state.placeSlots[node], case .place(let place)? = state.rows[slot]?.owner else {
                return nil
            }
            return place
        }
    }

    /// Whose number this is; nil for one that was never handed out or was forgotten.
    func owner(of node: NodeNumber) -> Owner? {
        state.withLock { $0.rows[node.slot]?.owner }
    }

    /// Enters a folder; the first of several at once wins.
    func enter(_ node: NodeNumber, parent: Place, name: [UInt8], source: FolderSource) -> Place {
        let inodes = parent.inodes.appending(name)
        return state.withLock { state in
            if let slot = state.placeSlots[node], case .place(let place)? = state.rows[slot]?.owner {
                return place
            }
            let slot = state.takeSlot()
            let place = Place(
                node: node,
                slot: slot,
                parent: parent,
                name: name,
                source: source,
                inodes: inodes
            )
            state.rows[slot] = Row(owner: .place(place))
            state.placeSlots[node] = slot
            return place
        }
    }

    /// The content that `place` shows, shared with every place that shows the same stored folder and no more.
    ///
    /// - Parameter numbering: Called without a lock when there is none yet; the first of several at once wins.
    func content(of place: Place, numbering: () -> InodeNumbering? = { nil }) -> Content {
        let key = Content.Key(place)
        let known = state.withLock { state in
            guard let content = state.content(state.contentSlots[key]) else { return nil as Content? }
            content.viewer = place
            if let lineage = place.lineage, content.note(lineage) {
                state.lineageSlots[lineage] = content.slot
            }
            return content
        }
        if let known { return known }
        let numbering = numbering()
        return state.withLock { state in
            if let content = state.content(state.contentSlots[key]) { return content }
            let content = Content(key, slot: state.takeSlot(), viewer: place, numbering)
            state.rows[content.slot] = Row(owner: .content(content))
            state.contentSlots[key] = content.slot
            for lineage in content.lineages { state.lineageSlots[lineage] = content.slot }
            return content
        }
    }

    /// The stored content of the same folder in another snapshot, if the kernel knows any of it.
    func otherVersion(of place: Place) -> Content? {
        guard let lineage = place.lineage, place.source.storedAlone != nil else { return nil }
        return state.withLock { $0.content($0.lineageSlots[lineage]) }
    }

    /// The place through which `content` was looked at last, to name a path in messages.
    func viewer(of content: Content) -> Place { state.withLock { _ in content.viewer } }

    /// Counts numbers that are about to be handed to the kernel.
    ///
    /// Must come before the reply: a FORGET may follow on another thread at once. Brings back what was dropped
    /// meanwhile; nobody else can have got its slot.
    func count(_ folders: Int, in place: Place, _ others: Int, in content: Content?) {
        state.withLock { state in
            if folders > 0 {
                state.rows[place.slot, default: Row(owner: .place(place))].lookups += UInt64(folders)
                if state.placeSlots[place.node] == nil { state.placeSlots[place.node] = place.slot }
            }
            guard let content else { return }
            if others > 0 {
                state.rows[content.slot, default: Row(owner: .content(content))].lookups += UInt64(others)
                if state.contentSlots[content.key] == nil { state.contentSlots[content.key] = content.slot }
            } else {
                drop(content.slot, &state)
            }
        }
    }

    /// Takes back what the kernel forgot, or never got.
    func forget(_ items: some Sequence<(node: NodeNumber, count: UInt64)>) {
        state.withLock { state in
            for (node, count) in items where node != .root {
                if var row = state.rows[node.slot] {
                    row.lookups -= min(row.lookups, count)
                    state.rows[node.slot] = row
                    drop(node.slot, &state)
                }
                if let slot = state.placeSlots[node] { drop(slot, &state) }
            }
        }
    }

    /// Removes a slot that holds no number the kernel knows.
    private func drop(_ slot: UInt64, _ state: inout State) {
        guard let row = state.rows[slot], row.lookups == 0, slot != root.slot else { return }
        state.rows[slot] = nil
        switch row.owner {
        case .place(let place):
            if state.placeSlots[place.node] == slot { state.placeSlots[place.node] = nil }
        case .content(let content):
            if state.contentSlots[content.key] == slot { state.contentSlots[content.key] = nil }
            for lineage in content.lineages where state.lineageSlots[lineage] == slot {
                state.lineageSlots[lineage] = nil
            }
        }
    }
}
