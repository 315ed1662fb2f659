import Core

/// Prints entries as lines, two blanks deeper per level.
///
/// ```
/// [S] webserver                                                       2026-01-05 14:20:31 +0100
///   [D] home/alice/                                            (0755) 2026-01-04 09:00:00 +0100
/// ```
///
/// - Source: rekkord(1).
struct PlainTree {
    private static let nameWidth = 60
    private static let modeWidth = 6

    private let verbosity: Int
    private let emit: (String) -> Void

    /// Hands the lines to `emit`.
    init(verbosity: Int, _ emit: @escaping (String) -> Void) {
        self.verbosity = verbosity
        self.emit = emit
    }

    /// Prints the line of a snapshot, which is always outermost.
    func print(_ snapshot: SnapshotResolver.Snapshot) {
        var details: [String] = []
        if verbosity > 0 {
            details.append("OID: \(snapshot.id)")
            details.append("Stored: \(HumanText.size(snapshot.stored))")
            details.append("Added: \(HumanText.size(snapshot.added))")
        }
        let name = PrintedName.escape(snapshot.blob.channel)
        write("[S]", name, "", CalendarTime.local(snapshot.blob.time), details, depth: 0)
    }

    /// Prints the line of an entry.
    func print(_ entry: Entry, depth: Int) {
        let attributes = entry.attributes
        let isStated = attributes.flags.contains(.stated)
        var details: [String] = []
        if verbosity > 0 {
            if let id = attributes.objectID { details.append("OID: \(id)") }
            if isStated { details.append("UID/GID: \(attributes.uid):\(attributes.gid)") }
        }
        if verbosity > 1, isStated { details.append("Birth: \(CalendarTime.local(attributes.btime))") }

        let name = PrintedName.escape(entry.name) + (attributes.isFolder ? "/" : "")
        guard isStated else {
            write("[U]", name, "", "", details, depth: depth)
            return
        }
        var time = CalendarTime.local(attributes.mtime)
        if attributes.kind == .file, attributes.flags.contains(.readable) {
            time += "  " + HumanText.size(attributes.size)
        }
        let mode = attributes.kind == .link ? "" : Self.mode(attributes.mode)
        write(Self.mark(attributes.kind), name, mode, time, details, depth: depth)
    }

    private func write(
        _ mark: String,
        _ name: String,
        _ mode: String,
        _ time: String,
        _ details: [String],
        depth: Int
    ) {
        let indentation = String(repeating: "  ", count: depth)
        let start = (indentation + mark + " " + name).padded(to: Self.nameWidth)
        emit("\(start) \(mode.padded(to: Self.modeWidth)) \(time)".withoutTrailingBlanks + "\n")
        for detail in details { emit(indentation + "  + " + detail + "\n") }
    }

    private static func mode(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return "(" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ")"
    }

    private static func mark(_ kind: EntryKind) -> String {
        switch kind {
        case .unknown: "[U]"
        case .directory: "[D]"
        case .file: "[F]"
        case .link: "[L]"
        }
    }
}
