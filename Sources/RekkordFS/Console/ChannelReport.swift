import Core

/// Prints the channels of a repository.
///
/// - Source: rekkord(1).
struct ChannelReport {
    /// One channel.
    struct Channel {
        /// The newest snapshot.
        var newest: SnapshotTag
        /// How many snapshots there are.
        var count: Int
    }

    /// Ascending by name bytes.
    let channels: [Channel]
    /// How much detail plain text shows.
    let verbosity: Int

    /// Gathers channels from tags that come by time and id.
    ///
    /// - Parameter staleBefore: Leaves out channels with a snapshot of this time or later.
    init(_ tags: [SnapshotTag], staleBefore: Timestamp? = nil, verbosity: Int) {
        var channels: [[UInt8]: Channel] = [:]
        for tag in tags {
            channels[tag.channel] = Channel(newest: tag, count: (channels[tag.channel]?.count ?? 0) + 1)
        }
        self.channels = channels.values
            .filter { staleBefore == nil || $0.newest.time < staleBefore ?? $0.newest.time }
            .sorted { $0.newest.channel.lexicographicallyPrecedes($1.newest.channel) }
        self.verbosity = verbosity
    }

    /// Prints the channels in a format.
    func print(as format: OutputFormat, _ emit: @escaping (String) -> Void) {
        guard var document = format.document(root: "Channels", emit) else {
            for channel in channels { emit(plain(channel)) }
            return
        }
        for channel in channels {
            document.beginElement("Channel", isTyped: false)
            document.bytes(.channelName, channel.newest.channel)
            document.text(.object, channel.newest.snapshot.description)
            document.time(.time, channel.newest.time)
            document.integer(.size, channel.newest.size)
            document.integer(.count, Int64(channel.count))
            document.endElement()
        }
        document.finish()
    }

    private func plain(_ channel: Channel) -> String {
        let newest = channel.newest
        let name = PrintedName.escape(newest.channel).padded(to: 28)
        let count = String(channel.count).rightAligned(in: 4)
        let line =
            "\(name) \(count) snapshots  \(CalendarTime.local(newest.time))  \(HumanText.size(newest.size))\n"
        return verbosity > 0 ? line + "  + OID: \(newest.snapshot)\n" : line
    }
}
