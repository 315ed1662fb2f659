import SystemPackage

/// What becomes of one entry that the walk met.
extension SaveVisitor {
    func leaveOut(_ name: [UInt8], in folder: Folder) {
        run.progress.addExcluded()
    }

    func entry(_ walked: WalkedEntry, in folder: Folder) throws(RekkordError) -> Int? {
        try run.checkGoingOn()
        run.progress.addEntry()
        let node = folder.node
        let remembered = folder.remembered?.find(walked.name)
        let status: FileStatus
        switch walked.status {
        case .success(let known): status = known
        case .failure(let error):
            run.reportUnreadable(walked.name, in: node, error)
            node.append(.unknown, name: walked.name, isPending: false)
            return nil
        }
        let found = makeEntry(status, remembered, folder.comparison) { () throws(Errno) in
            try FileMetadata.extendedAttributes(
                of: walked.name,
                in: walked.directory,
                followsLinks: walked.isFollowed
            )
        } path: {
            node.path(of: walked.name)
        }
        func append(_ entry: SavedEntry, _ extended: [UInt8], isPending: Bool) -> Int {
            node.append(entry, name: walked.name, extended: extended, isPending: isPending)
        }
        switch found.entry.kind {
        case .directory:
            return append(found.entry, found.extended, isPending: true)
        case .unknown:
            run.warn("cannot store the content of '\(node.path(of: walked.name))': special file")
            _ = append(found.entry, found.extended, isPending: false)
        case .link:
            addLink(found, walked, status, remembered, to: node, append)
        case .file:
            addFile(found, status, remembered, folder.comparison, append) { index, expectedHash in
                FileJob(
                    name: walked.name,
                    directory: walked.directory,
                    isFollowed: walked.isFollowed,
                    status: status,
                    expectedHash: expectedHash,
                    folder: node,
                    index: index,
                    isOperand: false
                )
            }
        }
        return nil
    }

    /// What becomes a row of `SavedEntries`.
    typealias FoundEntry = (entry: SavedEntry, extended: [UInt8])
    /// Appends an entry where it belongs.
    typealias Append = (SavedEntry, _ extended: [UInt8], _ isPending: Bool) -> Int

    /// Puts together what is known of an entry before its content.
    func makeEntry(
        _ status: FileStatus,
        _ remembered: FolderRecord.Entry?,
        _ comparison: Comparison,
        extended: () throws(Errno) -> [ExtendedAttribute],
        path: () -> String
    ) -> FoundEntry {
        var entry = SavedEntry(status, storesAccessTime: options.storesAccessTimes)
        var attributes: [UInt8] = []
        entry.isReliable = StatusReliability.isReliable(status, at: options.clock())
        let isSame = comparison.hasSameMetadata && remembered?.isSame(as: status) == true
        if isSame, let remembered, !(options.storesExtendedAttributes && options.readsEveryFile) {
            attributes = remembered.extended
            entry.expect(remembered)
        } else if options.storesExtendedAttributes {
            if let bytes = run.attributes(extended, path) {
                attributes = bytes
                if isSame, let remembered, remembered.extended == bytes { entry.expect(remembered) }
            } else {
                // They are asked for again next time.
                entry.isReliable = false
            }
        }
        return (entry, attributes)
    }

    func addFile(
        _ found: FoundEntry,
        _ status: FileStatus,
        _ remembered: FolderRecord.Entry?,
        _ comparison: Comparison,
        _ append: Append,
        job: (_ index: Int, _ expectedHash: Hash32?) -> FileJob
    ) {
        var entry = found.entry
        let known = comparison.hasSameSplitter && remembered?.isSame(as: status) == true ? remembered : nil
        if let known, !options.readsEveryFile, !options.comparesContent {
            entry.setContent(known.hash, stored: known.stored)
            _ = append(entry, found.extended, false)
            return
        }
        let isExpected = options.comparesContent && !options.readsEveryFile
        run.progress.addPlanned(byteCount: Int(clamping: status.size))
        let index = append(entry, found.extended, true)
        run.jobs.push(.file(job(index, isExpected ? known?.hash : nil)))
    }

    private func addLink(
        _ found: FoundEntry,
        _ walked: WalkedEntry,
        _ status: FileStatus,
        _ remembered: FolderRecord.Entry?,
        to node: FolderNode,
        _ append: Append
    ) {
        var entry = found.entry
        if let remembered, remembered.isSame(as: status) {
            entry.setContent(remembered.hash, stored: remembered.stored)
            _ = append(entry, found.extended, false)
            return
        }
        do throws(Errno) {
            let target = try FileMetadata.linkTarget(of: walked.name, in: walked.directory)
            let index = append(entry, found.extended, true)
            run.jobs.push(.link(target, node, index: index))
        } catch .noSuchFileOrDirectory {
            // It vanished since its status was taken.
        } catch {
            run.reportUnreadable(walked.name, in: node, error)
            _ = append(entry, found.extended, false)
        }
    }
}
