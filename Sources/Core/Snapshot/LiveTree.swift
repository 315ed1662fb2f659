/// One of the folders above the snapshots of a whole repository.
enum LiveFolder: Hashable, Sendable {
    /// The root: `channels` and `snapshots`.
    case top
    /// A folder for each channel.
    case channels
    /// A folder for each snapshot, by id.
    case snapshots
    /// A folder for each snapshot of the channel at this position, by time, and `latest`.
    case channel(Int)
}

/// Keeps the channels and snapshots that a mounted repository shows, and follows new listings.
///
/// Positions are only ever appended, so numbers that the kernel has keep their meaning, and names once shown stay
/// the same. What a later listing lacks is no longer shown.
/// - Source: rekkord(1), "mount".
final class LiveTree: Sendable {
    /// One snapshot of a channel.
    struct Snapshot: Sendable {
        let id: ObjectID
        let time: Timestamp
        let size: Int64
        /// In its folder.
        let name: [UInt8]
        var isShown = true
    }

    /// Snapshots by position, with what is asked again and again of all of them.
    struct Snapshots: Sendable {
        private(set) var items: [Snapshot] = []
        private(set) var byID: [ObjectID: Int] = [:]
        /// The position of the newest snapshot that is shown: greatest time, then greatest id.
        private(set) var newest: Int?
        /// How many are shown, and the bytes of their files.
        private(set) var shownCount = 0
        private(set) var byteCount: UInt64 = 0

        /// When the newest snapshot was made.
        var newestTime: Timestamp? { newest.map { items[$0].time } }

        /// Shows a snapshot again; true when it was hidden, nil when there is none with this id.
        mutating func show(_ id: ObjectID) -> Bool? {
            guard let position = byID[id] else { return nil }
            defer { items[position].isShown = true }
            return !items[position].isShown
        }

        mutating func append(_ snapshot: Snapshot) {
            byID[snapshot.id] = items.count
            items.append(snapshot)
        }

        /// Hides what was not listed; returns the names.
        mutating func hide(except listed: Set<ObjectID>) -> [[UInt8]] {
            var hidden: [[UInt8]] = []
            for position in items.indices where items[position].isShown {
                if listed.contains(items[position].id) { continue }
                items[position].isShown = false
                hidden.append(items[position].name)
            }
            return hidden
        }

        /// Sums up, after all changes.
        mutating func summarize() {
            (newest, shownCount, byteCount) = (nil, 0, 0)
            for (position, item) in items.enumerated() where item.isShown {
                shownCount += 1
                byteCount = byteCount.addingClamped(UInt64(max(0, item.size)))
                if let best = newest, (item.time, item.id) < (items[best].time, items[best].id) { continue }
                newest = position
            }
        }
    }

    /// One channel.
    struct Channel: Sendable {
        let channel: [UInt8]
        let name: [UInt8]
        var snapshots = Snapshots()
        var byName: [[UInt8]: Int] = [:]
        /// When this mount changed the folder last.
        var changed: Timestamp?

        var isShown: Bool { snapshots.shownCount > 0 }
    }

    /// Everything at one moment.
    struct State: Sendable {
        var channels: [Channel] = []
        var channelsByName: [[UInt8]: Int] = [:]
        var channelsByBytes: [[UInt8]: Int] = [:]
        /// How many channels are shown.
        var shownChannelCount = 0
        /// All of them; their names are their ids.
        var snapshots = Snapshots()
        /// When this mount changed `channels` and `snapshots` last.
        var channelsChanged: Timestamp?
        var snapshotsChanged: Timestamp?
    }

    /// What a listing changed in one folder: the names that came, went, or mean something else now.
    struct Change: Sendable, Equatable {
        let folder: LiveFolder
        var names: [[UInt8]]
    }

    private let current = Locked(State())

    /// Everything at this moment.
    var state: State { current.withLock { $0 } }

    /// Takes over a listing; returns what changed, to be told to the kernel.
    ///
    /// - Parameter time: When the change is dated; nil for the first listing.
    func update(_ listing: TagListing, at time: Timestamp?) -> [Change] {
        var next = state
        var changes: [LiveFolder: [[UInt8]]] = [:]
        let before = next.channels.map { (newest: $0.snapshots.newest, isShown: $0.isShown) }
        for tag in listing.tags { add(tag, to: &next, &changes) }
        hideOthers(than: Set(listing.tags.lazy.map(\.snapshot)), in: &next, &changes)
        summarize(&next)
        for (index, channel) in next.channels.enumerated() {
            let old = index < before.count ? before[index] : (newest: nil, isShown: false)
            if old.newest != channel.snapshots.newest {
                changes[.channel(index), default: []].append(LiveNames.latest)
            }
            if old.isShown != channel.isShown { changes[.channels, default: []].append(channel.name) }
        }
        for folder in changes.keys {
            switch folder {
            case .top: break
            case .channels: next.channelsChanged = time
            case .snapshots: next.snapshotsChanged = time
            case .channel(let index): next.channels[index].changed = time
            }
        }
        current.withLock { $0 = next }
        return changes.map { Change(folder: $0.key, names: $0.value) }
    }

    private func add(_ tag: SnapshotTag, to state: inout State, _ changes: inout [LiveFolder: [[UInt8]]]) {
        let index = state.channelsByBytes[tag.channel] ?? addChannel(tag.channel, to: &state)
        switch state.channels[index].snapshots.show(tag.snapshot) {
        case true?:
            let snapshots = state.channels[index].snapshots
            guard let position = snapshots.byID[tag.snapshot] else { break }
            changes[.channel(index), default: []].append(snapshots.items[position].name)
        case false?:
            break
        case nil:
            let name = LiveNames.folder(of: tag.snapshot, at: tag.time) {
                state.channels[index].byName[$0] != nil
            }
            state.channels[index].byName[name] = state.channels[index].snapshots.items.count
            state.channels[index].snapshots.append(Snapshot(tag, name: name))
            changes[.channel(index), default: []].append(name)
        }
        switch state.snapshots.show(tag.snapshot) {
        case true?:
            changes[.snapshots, default: []].append(Array(tag.snapshot.description.utf8))
        case false?:
            break
        case nil:
            let name = Array(tag.snapshot.description.utf8)
            state.snapshots.append(Snapshot(tag, name: name))
            changes[.snapshots, default: []].append(name)
        }
    }

    private func addChannel(_ channel: [UInt8], to state: inout State) -> Int {
        let index = state.channels.count
        let name = LiveNames.folder(ofChannel: channel)
        state.channels.append(Channel(channel: channel, name: name))
        state.channelsByBytes[channel] = index
        state.channelsByName[name] = index
        return index
    }

    private func hideOthers(
        than listed: Set<ObjectID>,
        in state: inout State,
        _ changes: inout [LiveFolder: [[UInt8]]]
    ) {
        let hidden = state.snapshots.hide(except: listed)
        if !hidden.isEmpty { changes[.snapshots, default: []] += hidden }
        for index in state.channels.indices {
            let hidden = state.channels[index].snapshots.hide(except: listed)
            if !hidden.isEmpty { changes[.channel(index), default: []] += hidden }
        }
    }

    private func summarize(_ state: inout State) {
        state.snapshots.summarize()
        for index in state.channels.indices { state.channels[index].snapshots.summarize() }
        state.shownChannelCount = state.channels.reduce(0) { $0 + ($1.isShown ? 1 : 0) }
    }
}

extension LiveTree.Snapshot {
    fileprivate init(_ tag: SnapshotTag, name: [UInt8]) {
        self.init(id: tag.snapshot, time: tag.time, size: tag.size, name: name)
    }
}
