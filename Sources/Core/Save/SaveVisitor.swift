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
        var entry = makeEntry(operand.name, opened.status, remembered, comparison) { () throws(Errno) in
            try FileMetadata.extendedAttributes(of: operand.path.bytes, followsLinks: true)
        } path: {
            operand.path.printed
        }
        entry.operand = operand
        guard isFile else {
            let names = try opened.names()
            let index = roots.append(entry, isPending: true)
            return try walk(
                opened,
                names,
                as: makeFolder(operand.name, operand.key, in: roots, index, record)
            )
        }
        addFile(entry, opened.status, remembered, comparison, to: roots) { index, expectedHash in
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

    func enter(_ number: Int, _ name: [UInt8], in parent: Folder) throws(RekkordError) -> Folder {
        let key = parent.node.key.appending(name)
        return makeFolder(name, key, in: parent.node, number, run.cache?.record(of: key))
    }

    private func makeFolder(
        _ name: [UInt8],
        _ key: LocalCache.FolderKey,
        in parent: FolderNode,
        _ index: Int,
        _ record: FolderRecord?
    ) -> Folder {
        var reusable: FolderNode.Reusable?
        if let record, record.isComplete, record.circumstances == options.circumstances {
            reusable = .init(hash: record.hash, stored: record.stored, entryCount: record.count)
        }
        let node = FolderNode(name: name, key: key, parent: parent, index: index, reusable: reusable)
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
            node.append(SavedEntry(unknown: walked.name), isPending: false)
            return nil
        }
        let entry = makeEntry(walked.name, status, remembered, folder.comparison) { () throws(Errno) in
            try FileMetadata.extendedAttributes(
                of: walked.name,
                in: walked.directory,
                followsLinks: walked.isFollowed
            )
        } path: {
            node.path(of: walked.name)
        }
        switch entry.kind {
        case .directory:
            return node.append(entry, isPending: true)
        case .unknown:
            run.warn("cannot store the content of '\(node.path(of: walked.name))': special file")
            node.append(entry, isPending: false)
        case .link:
            addLink(entry, status, remembered, walked.directory, to: node)
        case .file:
            addFile(entry, status, remembered, folder.comparison, to: node) { index, expectedHash in
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

    /// Puts together what is known of an entry before its content.
    private func makeEntry(
        _ name: [UInt8],
        _ status: FileStatus,
        _ remembered: FolderRecord.Entry?,
        _ comparison: Comparison,
        extended: () throws(Errno) -> [ExtendedAttribute],
        path: () -> String
    ) -> SavedEntry {
        var entry = SavedEntry(name, status, storesAccessTime: options.storesAccessTimes)
        entry.isReliable = StatusReliability.isReliable(status, at: options.clock())
        let isSame = comparison.hasSameMetadata && remembered?.isSame(as: status) == true
        if isSame, let remembered {
            entry.extended = remembered.extended
            if remembered.access == entry.access { entry.rememberedHash = remembered.hash }
        } else if options.storesExtendedAttributes {
            if let bytes = encode(extended, path) {
                entry.extended = bytes
            } else {
                // They are asked for again next time.
                entry.isReliable = false
            }
        }
        return entry
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
        _ entry: SavedEntry,
        _ status: FileStatus,
        _ remembered: FolderRecord.Entry?,
        _ comparison: Comparison,
        to node: FolderNode,
        job: (_ index: Int, _ expectedHash: Hash32?) -> FileJob
    ) {
        var entry = entry
        let known = comparison.hasSameSplitter && remembered?.isSame(as: status) == true ? remembered : nil
        if let known, !options.readsEveryFile, !options.comparesContent {
            entry.setContent(known.hash, stored: known.stored)
            entry.totals.size = entry.size
            node.append(entry, isPending: false)
            return
        }
        let isExpected = options.comparesContent && !options.readsEveryFile
        run.progress.addPlanned(byteCount: Int(clamping: status.size))
        let index = node.append(entry, isPending: true)
        run.jobs.push(.file(job(index, isExpected ? known?.hash : nil)))
    }

    private func addLink(
        _ entry: SavedEntry,
        _ status: FileStatus,
        _ remembered: FolderRecord.Entry?,
        _ directory: Descriptor,
        to node: FolderNode
    ) {
        var entry = entry
        if let remembered, remembered.isSame(as: status) {
            entry.setContent(remembered.hash, stored: remembered.stored)
            node.append(entry, isPending: false)
            return
        }
        do throws(Errno) {
            let target = try FileMetadata.linkTarget(of: entry.name, in: directory)
            let index = node.append(entry, isPending: true)
            run.jobs.push(.link(target, node, index: index))
        } catch .noSuchFileOrDirectory {
            // It vanished since its status was taken.
        } catch {
            run.reportUnreadable(entry.name, in: node, error)
            node.append(entry, isPending: false)
        }
    }
}
