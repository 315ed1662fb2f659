import Core

/// Prints a snapshot or the entries of a folder while it is walked through.
///
/// Nothing is kept but what is open, so a listing may be larger than memory.
/// - Source: rekkord(1).
struct TreeReport {
    /// Prints entries in one format.
    private enum Style {
        case plain(PlainTree)
        case document(any DocumentWriter)
    }

    private var style: Style
    private let reader: SnapshotReader
    private let isRecursive: Bool
    private let warn: (String) -> Void
    private let report: (RekkordError) -> Void
    private let check: () throws(RekkordError) -> Void
    /// 1 below a snapshot, which stands at depth 0 itself.
    private var baseDepth = 0
    /// Whether anything was printed.
    private(set) var isEmpty = true
    /// How many folders could not be read.
    private(set) var failureCount = 0

    /// Prepares a report.
    ///
    /// - Parameters:
    ///   - verbosity: How much detail plain text shows.
    ///   - emit: Gets the text piece by piece.
    ///   - warn: Gets warnings.
    ///   - report: Gets what did not end the walk.
    ///   - check: Throws to end the walk before the next entry.
    init(
        _ reader: SnapshotReader,
        isRecursive: Bool,
        format: OutputFormat,
        verbosity: Int,
        emit: @escaping (String) -> Void,
        warn: @escaping (String) -> Void,
        report: @escaping (RekkordError) -> Void,
        check: @escaping () throws(RekkordError) -> Void
    ) {
        self.reader = reader
        self.isRecursive = isRecursive
        self.warn = warn
        self.report = report
        self.check = check
        style =
            format.document(root: "Tree", emit).map { .document($0) }
            ?? .plain(PlainTree(verbosity: verbosity, emit))
    }

    /// Prints a snapshot and its saved paths.
    mutating func print(_ snapshot: SnapshotResolver.Snapshot) throws(RekkordError) {
        defer { finish() }
        isEmpty = false
        switch style {
        case .plain(let plain): plain.print(snapshot)
        case .document(var document):
            document.beginElement("Snapshot", isTyped: true)
            document.bytes(.name, snapshot.blob.channel)
            document.text(.object, snapshot.id.description)
            document.time(.time, snapshot.blob.time)
            document.integer(.stored, snapshot.stored)
            document.integer(.added, snapshot.added)
            document.beginChildren()
            style = .document(document)
        }
        baseDepth = 1
        warnOfHidden(snapshot.blob.hiddenNameCount, in: PrintedName.escape(snapshot.blob.channel))
        for root in snapshot.blob.roots {
            guard let item = snapshot.tree.item(atRoot: root.name) else { continue }
            var walk = TreeWalk(reader, isRecursive: isRecursive)
            try walk.visit(item.renamed(root.name), &self)
        }
    }

    /// Prints what is in a folder.
    ///
    /// - Parameter name: What the user calls it, for warnings.
    mutating func print(_ folder: FolderView, name: String) throws(RekkordError) {
        defer { finish() }
        warnOfHidden(folder.stored?.hiddenNameCount ?? 0, in: name)
        var walk = TreeWalk(reader, isRecursive: isRecursive)
        try walk.visit(folder, &self)
    }

    private mutating func finish() {
        if case .document(var document) = style { document.finish() }
    }

    private func warnOfHidden(_ count: Int, in name: String) {
        guard count > 0 else { return }
        warn("cannot show \(count) \(count == 1 ? "entry" : "entries") of '\(name)': bad or repeated name")
    }

    private mutating func withDocument(_ body: (inout any DocumentWriter) -> Void) {
        guard case .document(var document) = style else { return }
        body(&document)
        style = .document(document)
    }
}

extension TreeReport: TreeVisitor {
    mutating func begin(_ item: FolderView.Item, depth: Int) throws(RekkordError) -> Bool {
        try check()
        isEmpty = false
        switch style {
        case .plain(let plain): plain.print(item.entry, depth: baseDepth + depth)
        case .document: withDocument { Self.begin(item.entry, in: &$0) }
        }
        return true
    }

    mutating func open(_ view: FolderView, path: [UInt8]) throws(RekkordError) {
        warnOfHidden(view.stored?.hiddenNameCount ?? 0, in: PrintedName.escape(path))
        withDocument { $0.beginChildren() }
    }

    mutating func close() throws(RekkordError) {
        withDocument { $0.endChildren() }
    }

    mutating func end(_ item: FolderView.Item, depth: Int) throws(RekkordError) {
        withDocument { $0.endElement() }
    }

    mutating func fail(_ error: RekkordError) throws(RekkordError) {
        switch error.kind {
        case .missing, .corrupted, .unsupported:
            // The rest of the tree can still be read.
            failureCount += 1
            report(error)
        case .usage, .notInitialized, .key, .storage, .denied, .notFound, .exists, .system, .interrupted:
            throw error
        }
    }

    /// Starts an element and gives it all values of an entry.
    private static func begin(_ entry: Entry, in document: inout any DocumentWriter) {
        let attributes = entry.attributes
        let isStated = attributes.flags.contains(.stated)
        document.beginElement(elementName(attributes), isTyped: true)
        document.bytes(.name, entry.name)
        if let id = attributes.objectID {
            document.text(.object, id.description)
        } else {
            document.none(.object)
        }
        guard isStated else { return }
        document.time(.mtime, attributes.mtime)
        document.time(.ctime, attributes.ctime)
        document.time(.btime, attributes.btime)
        if attributes.flags.contains(.accessTime) { document.time(.atime, attributes.atime) }
        if attributes.kind != .link { document.text(.mode, "0o" + String(attributes.mode, radix: 8)) }
        document.integer(.uid, Int64(attributes.uid))
        document.integer(.gid, Int64(attributes.gid))
        if attributes.kind == .file, attributes.flags.contains(.readable) {
            document.integer(.size, attributes.size)
        }
    }

    private static func elementName(_ attributes: EntryAttributes) -> String {
        guard attributes.flags.contains(.stated) else { return "Unknown" }
        return switch attributes.kind {
        case .unknown: "Unknown"
        case .directory: "Directory"
        case .file: "File"
        case .link: "Link"
        }
    }
}
