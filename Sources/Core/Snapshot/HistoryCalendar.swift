/// Orders the snapshots of a repository by time and names them beside one another, whatever their channels.
struct HistoryCalendar: Sendable {
    /// One snapshot.
    struct Moment: Sendable {
        let id: ObjectID
        let time: Timestamp
        let isShown: Bool
        /// `TIME@CHANNEL`.
        let name: [UInt8]
    }

    private static let separator = UInt8(ascii: "@")
    /// With a time and up to 64 digits for a second snapshot of the same second it still fits into a name.
    private static let maxChannelByteCount = 160

    /// By position in `LiveTree.State.snapshots`, which only grows.
    private(set) var moments: [Moment] = []

    /// An empty calendar.
    init() {}

    init(_ state: LiveTree.State) {
        var names: [ObjectID: [UInt8]] = [:]
        for channel in state.channels {
            let short = Self.short(channel)
            // Whoever was given the name in its channel was shown there, so that name stays.
            for snapshot in channel.snapshots.items where names[snapshot.id] == nil {
                names[snapshot.id] = snapshot.name + [Self.separator] + short
            }
        }
        moments = state.snapshots.items.map {
            Moment(id: $0.id, time: $0.time, isShown: $0.isShown, name: names[$0.id] ?? $0.name)
        }
    }

    private static func short(_ channel: LiveTree.Channel) -> [UInt8] {
        LiveNames.folder(ofChannel: channel.channel, maxByteCount: maxChannelByteCount)
    }

    /// Whether the snapshot at `a` is older than the one at `b`.
    func isOlder(_ a: Int, than b: Int) -> Bool {
        (moments[a].time, moments[a].id) < (moments[b].time, moments[b].id)
    }

    /// The position of the snapshot with this name.
    static func position(of name: [UInt8], _ state: LiveTree.State) -> Int? {
        guard let end = name.firstIndex(of: separator) else { return nil }
        let (time, short) = (Array(name[..<end]), Array(name[(end + 1)...]))
        guard short.count <= maxChannelByteCount else { return nil }
        let index =
            state.channelsByName[short]
            ?? state.channels.firstIndex { $0.name.count > maxChannelByteCount && Self.short($0) == short }
        guard let index, let position = state.channels[index].byName[time] else { return nil }
        return state.snapshots.byID[state.channels[index].snapshots.items[position].id]
    }
}
