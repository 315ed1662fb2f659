import Core

/// Prints the snapshots of a repository.
///
/// - Source: rekkord(1).
struct SnapshotReport {
    /// What to sort by, each possibly the other way round.
    struct Order {
        /// A property of a snapshot.
        enum Key: String, CaseIterable {
            case object = "Object"
            case time = "Time"
            case channel = "Channel"
            case size = "Size"
            case stored = "Stored"
            case added = "Added"

            /// Whether `a` is before `b` in ascending order.
            func precedes(_ a: SnapshotTag, _ b: SnapshotTag) -> Bool {
                switch self {
                case .object: a.snapshot < b.snapshot
                case .time: a.time < b.time
                case .channel: a.channel.lexicographicallyPrecedes(b.channel)
                case .size: a.size < b.size
                case .stored: a.stored < b.stored
                case .added: a.added < b.added
                }
            }
        }

        /// The first difference decides.
        private let keys: [(key: Key, isReversed: Bool)]

        /// Reads a list such as `Channel,~Time`.
        init(_ text: String) throws(FormatError) {
            var keys: [(Key, Bool)] = []
            for word in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
                let isReversed = word.first == "~"
                keys.append(
                    (try KeywordText.parse(isReversed ? word.dropFirst() : word, as: Key.self), isReversed)
                )
            }
            self.keys = keys
        }

        /// Sorts tags that come by time and id, which stays the order of equal ones.
        func sort(_ tags: [SnapshotTag]) -> [SnapshotTag] {
            let order = tags.indices.sorted { a, b in
                for (key, isReversed) in keys {
                    let (first, second) = isReversed ? (tags[b], tags[a]) : (tags[a], tags[b])
                    if key.precedes(first, second) { return true }
                    if key.precedes(second, first) { return false }
                }
                return a < b
            }
            return order.map { tags[$0] }
        }
    }

    /// In the order to be shown.
    let tags: [SnapshotTag]
    /// Until when each snapshot is protected, as far as scans of this machine know.
    var protectedUntil: [ObjectID: Timestamp] = [:]
    /// How much detail plain text shows.
    let verbosity: Int

    /// Prints the snapshots in a format.
    func print(as format: OutputFormat, _ emit: @escaping (String) -> Void) {
        guard var document = format.document(root: "Snapshots", emit) else {
            for tag in tags { emit(plain(tag)) }
            return
        }
        for tag in tags {
            document.beginElement("Snapshot", isTyped: false)
            document.bytes(.channel, tag.channel)
            document.text(.object, tag.snapshot.description)
            document.time(.time, tag.time)
            document.integer(.size, tag.size)
            document.integer(.stored, tag.stored)
            document.integer(.added, tag.added)
            document.text(.tag, tag.objectName)
            document.text(.key, tag.keyID.description)
            if let end = protectedUntil[tag.snapshot] { document.time(.protectedUntil, end) }
            document.endElement()
        }
        document.finish()
    }

    private func plain(_ tag: SnapshotTag) -> String {
        var lines = [
            PrintedName.escape(tag.channel).padded(to: 40) + " " + CalendarTime.local(tag.time),
            "  + OID: \(tag.snapshot)",
            "  + Size: \(HumanText.size(tag.size))",
            "  + Stored: \(HumanText.size(tag.stored))",
            "  + Added: \(HumanText.size(tag.added))",
        ]
        if verbosity > 0 {
            lines.append("  + Tag: \(PrintedName.escape(tag.objectName.utf8))")
            lines.append("  + Key: \(tag.keyID)")
            if let end = protectedUntil[tag.snapshot] {
                lines.append("  + Protected until: \(CalendarTime.local(end))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
