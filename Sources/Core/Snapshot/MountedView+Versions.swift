/// Finding the versions of a saved path, from memory as far as it goes.
extension MountedView {
    /// How much memory the blobs of one step take, about.
    private static let stepByteCount = 8 << 20
    private static let stepCounts = 4...256

    /// All distinct versions of a path, and the snapshots that they are from.
    ///
    /// Each step asks for some blobs and keeps what they tell, so a step does not need those of the steps before it.
    func versions(
        of folder: HistoryFolder,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> (table: HistoryTable, calendar: HistoryCalendar) {
        guard let live else { throw .fails(.stale) }
        let (generation, calendar) = live.history.calendar(live.tree)
        let step = HistoryStep(
            history: live.history,
            generation: generation,
            calendar: calendar,
            now: MonotonicTime.milliseconds()
        )
        if let table = folder.table, table.isComplete(generation, now: step.now) {
            live.history.use(folder, byteCount: table.byteCount)
            return (table, calendar)
        }
        let path = folder.path
        let work = loaded.work.flatMap { $0.path == path ? $0 : nil } ?? HistoryWork(path)
        var damages: [RekkordError] = []
        // Not while anything is locked.
        defer { for damage in damages { warnOfDamage(damage, folder) } }
        let table = try work.tables.withLock { (tables) throws(Obstacle) in
            for (level, folder) in folder.chain.enumerated() {
                let around = level == 0 ? nil : tables[level - 1]
                step.choose(for: folder, at: level, around, &tables)
                if tables[level].isComplete(generation, now: step.now) { continue }
                let missing = try find(folder.name, in: around, &tables[level], step, &damages, loaded)
                guard missing.isEmpty else { throw .advances(work, missing) }
                folder.table = tables[level]
                live.history.use(folder, byteCount: tables[level].byteCount)
            }
            return tables[tables.count - 1]
        }
        return (table, calendar)
    }

    private struct HistoryStep {
        let history: HistoryTree
        let generation: Int
        let calendar: HistoryCalendar
        let now: Int64

        /// Has the table to go on with at `level`: the request's own, the one that is known, or an empty one.
        func choose(
            for folder: HistoryFolder,
            at level: Int,
            _ around: HistoryTable?,
            _ tables: inout [HistoryTable]
        ) {
            let identity = around?.identity ?? 0
            if level < tables.count, tables[level].around == identity { return }
            tables.removeSubrange(min(level, tables.count)...)
            if let known = folder.table, known.around == identity {
                tables.append(known)
            } else {
                tables.append(history.makeTable(around: around))
            }
        }
    }

    /// Looks into each version of the folder around that was not looked into yet; returns which blobs that takes, some
    /// at a time.
    private func find(
        _ name: [UInt8],
        in around: HistoryTable?,
        _ table: inout HistoryTable,
        _ step: HistoryStep,
        _ damages: inout [RekkordError],
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> [ObjectID] {
        let count = around?.versions.count ?? step.calendar.moments.count
        func first(_ index: Int) -> Int? {
            if let around { return around.versions[index].first }
            return step.calendar.moments[index].isShown ? index : nil
        }
        table.extend(to: count, now: step.now)
        var missing: Set<ObjectID> = []
        for index in 0..<count where table.findings[index] == .unknown && first(index) != nil {
            do throws(Obstacle) {
                if let around {
                    try look(into: around.versions[index].source, for: name, &table, index, loaded)
                } else {
                    try look(into: step.calendar.moments[index].id, &table, index, loaded)
                }
            } catch {
                switch error {
                case .needs(let ids), .advances(_, let ids):
                    missing.formUnion(ids)
                case .fails(.unreadable):
                    table.note(nil, at: index, keptByteCount: 0)
                case .fails(.damaged(let damage)) where damage.isLasting:
                    table.noteDamage(damage, at: index, now: step.now)
                    damages.append(damage)
                case .fails:
                    throw error
                }
            }
            if missing.count >= Self.stepCount(table.folderByteCount) { break }
        }
        if missing.isEmpty {
            table.inherit(around)
            table.finish(step.generation, (0..<count).lazy.map(first), at: .now(), step.calendar.isOlder)
        }
        return Array(missing)
    }

    private static func stepCount(_ folderByteCount: Int) -> Int {
        min(max(stepByteCount / folderByteCount, stepCounts.lowerBound), stepCounts.upperBound)
    }

    /// Looks for `name` in one version of the folder around.
    private func look(
        into source: FolderSource?,
        for name: [UInt8],
        _ table: inout HistoryTable,
        _ index: Int,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) {
        guard let source else { return table.note(nil, at: index, keptByteCount: 0) }
        let view = try open(source, loaded)
        if let stored = view.stored { table.folderByteCount = stored.memoryByteCount }
        guard let item = view.item(named: name), !Self.isHidden(item.entry.attributes) else {
            return table.note(nil, at: index, keptByteCount: 0)
        }
        let found = (
            digest: item.versionDigest, kind: Self.kind(of: item.entry.attributes), source: FolderSource(item)
        )
        table.note(found, at: index, keptByteCount: 0)
    }

    /// Notes the saved paths of one snapshot.
    private func look(
        into snapshot: ObjectID,
        _ table: inout HistoryTable,
        _ index: Int,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) {
        guard case .snapshot(_, let tree) = try blob(snapshot, loaded) else {
            throw .fails(.damaged(Self.wrongType(snapshot, "snapshot")))
        }
        table.folderByteCount = tree.memoryByteCount
        let top = FolderSource.overlaid(OverlaidFolder(base: nil, RootTree.Overlay(tree: tree, node: 0)))
        let found = (digest: tree.versionDigest, kind: NodeAttributes.Kind.folder, source: Optional(top))
        table.note(found, at: index, keptByteCount: tree.memoryByteCount)
    }

    private func warnOfDamage(_ error: RekkordError, _ folder: HistoryFolder) {
        let path = PrintedName.escape(Array(folder.path.joined(separator: [UInt8(ascii: "/")])))
        warn("cannot show all versions of '\(path)': \(error.message)")
    }
}

extension FolderSource {
    /// What an entry of a folder shows when it is entered; nil when it is no folder.
    init?(_ item: FolderView.Item) {
        guard item.isFolder else { return nil }
        if let overlay = item.overlay {
            self = .overlaid(OverlaidFolder(base: item.entry.objectID, overlay))
        } else if let id = item.entry.objectID {
            self = .stored(id)
        } else {
            self = .unreadable
        }
    }
}

extension RekkordError {
    /// Whether it is damage of one object, not a storage that cannot be reached.
    fileprivate var isLasting: Bool {
        switch kind {
        case .corrupted, .missing, .unsupported: true
        case .usage, .notInitialized, .key, .storage, .denied, .notFound, .exists, .system, .interrupted:
            false
        }
    }
}
