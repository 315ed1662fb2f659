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
        let channel: [UInt8]
        /// In the folder of the channel.
        let name: [UInt8]
        var isShown = true
    }

    /// One channel.
    struct Channel: Sendable {
        let channel: [UInt8]
        let name: [UInt8]
        var snapshots: [Snapshot] = []
        var byName: [[UInt8]: Int] = [:]
        var byID: [ObjectID: Int] = [:]
        /// When this mount changed the folder last.
        var changed: Timestamp?

        /// The position of the newest snapshot that is shown: greatest time, then greatest id.
        var newest: Int? {
            snapshots.indices.filter { snapshots[$0].isShown }
                .max { (snapshots[$0].time, snapshots[$0].id) < (snapshots[$1].time, snapshots[$1].id) }
        }

        var isShown: Bool { snapshots.contains(where: \.isShown) }
    }

    /// Everything at one moment.
    struct State: Sendable {
        var channels: [Channel] = []
        var channelsByName: [[UInt8]: Int] = [:]
        var channelsByBytes: [[UInt8]: Int] = [:]
        /// By id; `name` is that in the channel.
        var snapshots: [Snapshot] = []
        var snapshotsByID: [ObjectID: Int] = [:]
        /// When this mount changed `channels` and `snapshots` last.
        var channelsChanged: Timestamp?
        var snapshotsChanged: Timestamp?

        /// When the newest snapshot was made.
        var newestTime: Timestamp? { snapshots.lazy.filter(\.isShown).map(\.time).max() }
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
        var listed: Set<ObjectID> = []
        let oldNewest = next.channels.map { $0.newest }
        let wasShown = next.channels.map { $0.isShown }
        for tag in listing.tags {
            listed.insert(tag.snapshot)
            add(tag, to: &next, &changes)
        }
        hideOthers(than: listed, in: &next, &changes)
        for (index, channel) in next.channels.enumerated() {
            let old = index < oldNewest.count ? oldNewest[index] : nil
            if old != channel.newest { changes[.channel(index), default: []].append(LiveNames.latest) }
            let was = index < wasShown.count && wasShown[index]
            if was != channel.isShown { changes[.channels, default: []].append(channel.name) }
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
        let index: Int
        if let known = state.channelsByBytes[tag.channel] {
            index = known
        } else {
            index = state.channels.count
            let channel = Channel(channel: tag.channel, name: LiveNames.folder(ofChannel: tag.channel))
            state.channels.append(channel)
            state.channelsByBytes[tag.channel] = index
            state.channelsByName[channel.name] = index
        }
        if let known = state.channels[index].byID[tag.snapshot] {
            if !state.channels[index].snapshots[known].isShown {
                state.channels[index].snapshots[known].isShown = true
                changes[.channel(index), default: []].append(state.channels[index].snapshots[known].name)
            }
        } else {
            let names = state.channels[index].byName
            let name = LiveNames.folder(of: tag.snapshot, at: tag.time) { names[$0] != nil }
            let snapshot = Snapshot(
                id: tag.snapshot,
                time: tag.time,
                size: tag.size,
                channel: tag.channel,
                name: name
            )
            state.channels[index].byID[tag.snapshot] = state.channels[index].snapshots.count
            state.channels[index].byName[name] = state.channels[index].snapshots.count
            state.channels[index].snapshots.append(snapshot)
            changes[.channel(index), default: []].append(name)
        }
        if let known = state.snapshotsByID[tag.snapshot] {
            guard !state.snapshots[known].isShown else { return }
            state.snapshots[known].isShown = true
        } else {
            let name = Array(tag.snapshot.description.utf8)
            state.snapshotsByID[tag.snapshot] = state.snapshots.count
            state.snapshots.append(
                Snapshot(id: tag.snapshot, time: tag.time, size: tag.size, channel: tag.channel, name: name)
            )
        }
        changes[.snapshots, default: []].append(Array(tag.snapshot.description.utf8))
    }

    private func hideOthers(
        than listed: Set<ObjectID>,
        in state: inout State,
        _ changes: inout [LiveFolder: [[UInt8]]]
    ) {
        for index in state.snapshots.indices where state.snapshots[index].isShown {
            guard !listed.contains(state.snapshots[index].id) else { continue }
            state.snapshots[index].isShown = false
            changes[.snapshots, default: []].append(state.snapshots[index].name)
        }
        for channel in state.channels.indices {
            for index in state.channels[channel].snapshots.indices {
                let snapshot = state.channels[channel].snapshots[index]
                guard snapshot.isShown, !listed.contains(snapshot.id) else { continue }
                state.channels[channel].snapshots[index].isShown = false
                changes[.channel(channel), default: []].append(snapshot.name)
            }
        }
    }
}
