import Glibc
import SystemPackage

/// Decides, entry by entry, what a save has to read and what the cache knows already.
///
/// Lives on the thread of the walk.
final class SaveVisitor: FileTreeVisitor {
    /// A folder that the walk is in.
    final class Folder {
        let node: FolderNode
        /// What is remembered of its entries.
        fileprivate var remembered: FolderRecord.Cursor?
        fileprivate let comparison: Comparison

        fileprivate init(_ node: FolderNode, _ record: FolderRecord?, _ options: SaveOptions) {
            self.node = node
            remembered = record?.cursor()
            comparison = Comparison(record, options)
        }
    }

    /// How much a record is worth that was perhaps made with other options.
    fileprivate struct Comparison {
        /// Whether files were cut as they are now, so that remembered hashes are those of today.
        let hasSameSplitter: Bool
        /// Whether entries were stored with the same metadata as now.
        let hasSameMetadata: Bool

        init(_ record: FolderRecord?, _ options: SaveOptions) {
            hasSameSplitter = record?.circumstances.splitter == options.circumstances.splitter
            hasSameMetadata = record?.circumstances.metadata == options.circumstances.metadata
        }
    }

    private let run: SaveRun
    private let options: SaveOptions
    private let foreignFolders: [FileIdentity: String]
    /// The paths of folders that are not meant to be entered, by the reason.
    private var refusals: [(reason: String, paths: [String])] = []

    init(_ run: SaveRun, foreignFolders: [FileIdentity: String]) {
        self.run = run
        options = run.options
        self.foreignFolders = foreignFolders
    }

    // MARK: - Operands

    /// Saves the entries of an operand as roots.
    func visitEntries(of operand: SaveOperand, as roots: FolderNode) throws(RekkordError) {
        let opened = try OpenOperand(operand, keepsAccessTimes: options.keepsAccessTimes)
        let record = run.cache?.record(of: operand.key)
        try walk(opened, try opened.names(), as: Folder(roots, record, options))
    }

    /// Saves one operand as an entry of `roots`.
    func visit(_ operand: SaveOperand, under roots: FolderNode) throws(RekkordError) {
        let opened = try OpenOperand(operand, keepsAccessTimes: options.keepsAccessTimes)
        let record = run.cache?.record(of: operand.key)
        // The record of a file that is an operand has its own entry; that of a folder has the entries in it.
        let isFile = opened.status.type == .regular
        var cursor = isFile ? record?.cursor() : nil
        let remembered = cursor?.find(operand.name)
        let comparison = Comparison(record, options)
        let entry = makeEntry(opened.status, remembered, comparison) { () throws(Errno) in
            try FileMetadata.extendedAttributes(of: operand.path.bytes, followsLinks: true)
        } path: {
            operand.path.printed
        }
        func append(_ entry: SavedEntry, _ extended: [UInt8], isPending: Bool) -> Int {
            roots.append(
                entry,
                name: operand.name,
                extended: extended,
                isPending: isPending,
                operandKey: operand.key
            )
        }
        guard isFile else {
            let names = try opened.names()
            let index = append(entry.entry, entry.extended, isPending: true)
            return try walk(
                opened,
                names,
                as: makeFolder(operand.name, operand.key, in: roots, index, names, record)
            )
        }
        addFile(entry, opened.status, remembered, comparison, append) { index, expectedHash in
            FileJob(
                name: operand.path.bytes,
                directory: opened.descriptor,
                isFollowed: true,
                status: opened.status,
                expectedHash: expectedHash,
                folder: roots,
                index: index,
                isOperand: true
            )
        }
    }

    private func walk(
        _ operand: OpenOperand,
        _ names: DirectoryNames,
        as folder: Folder
    ) throws(RekkordError) {
        var walker = FileTreeWalker(
            self,
            options: .init(
                followsLinks: options.followsLinks,
                keepsAccessTimes: options.keepsAccessTimes,
                foreignFolders: foreignFolders,
                excludes: options.excludes,
                staysOnFileSystem: options.staysOnFileSystem
            )
        )
        try walker.walk(operand.descriptor, operand.status, names, path: operand.path, as: folder)
    }

    /// Names what was not entered, in one line for each reason.
    func end() {
        for (reason, paths) in refusals {
            run.warn("not entering \(paths.map { "'\($0)'" }.joined(separator: ", ")): \(reason)")
        }
    }

    // MARK: - Folders

    func enter(
        _ number: Int,
        _ name: [UInt8],
        in parent: Folder,
        _ names: DirectoryNames
    ) throws(RekkordError) -> Folder {
        // All entries of the parent were handed over.
        parent.remembered = nil
        let key = parent.node.key.appending(name)
        return makeFolder(name, key, in: parent.node, number, names, run.cache?.record(of: key))
    }

    private func makeFolder(
        _ name: [UInt8],
        _ key: LocalCache.FolderKey,
        in parent: FolderNode,
        _ index: Int,
        _ names: DirectoryNames,
        _ record: FolderRecord?
    ) -> Folder {
        var reusable: FolderNode.Reusable?
        if let record, record.isComplete, record.circumstances == options.circumstances {
            reusable = .init(hash: record.hash, stored: record.stored, entryCount: record.count)
        }
        let node = FolderNode(
            name: name,
            key: key,
            parent: parent,
            index: index,
            entries: SavedEntries(expecting: names),
            reusable: reusable
        )
        return Folder(node, record, options)
    }

    func cannotEnter(
        _ number: Int,
        _ name: [UInt8],
        in parent: Folder,
        _ reason: FolderRefusal
    ) throws(RekkordError) {
        let node = parent.node
        switch reason {
        case .failed(.noSuchFileOrDirectory):
            run.settle(node, number) { $0.isLeftOut = true }
        case .replaced:
            run.reportReplaced(name, in: node)
            run.settle(node, number) { $0.isLeftOut = true }
        case .failed(let error):
            run.reportUnreadable(name, in: node, error)
            run.settleWithoutEntries(node, number, isReadable: false)
        case .foreign(let reason):
            let path = node.path(of: name)
            if let index = refusals.firstIndex(where: { $0.reason == reason }) {
                refusals[index].paths.append(path)
            } else {
                refusals.append((reason, [path]))
            }
            run.settleWithoutEntries(node, number, isReadable: true)
        case .otherFileSystem:
            run.settleWithoutEntries(node, number, isReadable: true)
        }
    }

    func leave(_ folder: Folder) throws(RekkordError) {
        // The level of the roots ends when all operands were walked.
        guard !run.isRoots(folder.node), folder.node.endWalk() else { return }
        if folder.node.isReusable {
            run.finish(folder.node)
        } else {
            run.jobs.push(.folder(folder.node))
        }
    }

    // MARK: - Entries

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
    private typealias FoundEntry = (entry: SavedEntry, extended: [UInt8])
    /// Appends an entry where it belongs.
    private typealias Append = (SavedEntry, _ extended: [UInt8], _ isPending: Bool) -> Int

    /// Puts together what is known of an entry before its content.
    private func makeEntry(
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
        if isSame, let remembered {
            attributes = remembered.extended
            entry.expect(remembered)
        } else if options.storesExtendedAttributes {
            if let bytes = encode(extended, path) {
                attributes = bytes
            } else {
                // They are asked for again next time.
                entry.isReliable = false
            }
        }
        return (entry, attributes)
    }

    /// Nil when the attributes cannot be read.
    private func encode(_ read: () throws(Errno) -> [ExtendedAttribute], _ path: () -> String) -> [UInt8]? {
        do throws(Errno) {
            let encoded = ExtendedAttributes.encode(try read())
            for key in encoded.dropped {
                run.warn("cannot store attribute '\(PrintedName.escape(key))' of '\(path())': too large")
            }
            return encoded.bytes
        } catch .noSuchFileOrDirectory {
            // It vanished; whoever reads its content will notice.
            return nil
        } catch {
            run.warn("cannot read attributes of '\(path())': \(error)")
            return nil
        }
    }

    private func addFile(
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
