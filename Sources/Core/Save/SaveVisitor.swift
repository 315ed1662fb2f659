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
        var remembered: FolderRecord.Cursor?
        let comparison: Comparison

        fileprivate init(_ node: FolderNode, _ record: FolderRecord?, _ options: SaveOptions) {
            self.node = node
            remembered = record?.cursor()
            comparison = Comparison(record, options)
        }
    }

    /// How much a record is worth that was perhaps made with other options.
    struct Comparison {
        /// Whether files were cut as they are now, so that remembered hashes are those of today.
        let hasSameSplitter: Bool
        /// Whether entries were stored with the same metadata as now.
        let hasSameMetadata: Bool

        init(_ record: FolderRecord?, _ options: SaveOptions) {
            hasSameSplitter = record?.circumstances.splitter == options.circumstances.splitter
            hasSameMetadata = record?.circumstances.metadata == options.circumstances.metadata
        }
    }

    let run: SaveRun
    let options: SaveOptions
    private let foreignFolders: [FileIdentity: String]
    /// The paths of folders that are not meant to be entered, by the reason.
    private var refusals: [(reason: String, paths: [String])] = []

    init(_ run: SaveRun, foreignFolders: [FileIdentity: String]) {
        self.run = run
        options = run.options
        self.foreignFolders = foreignFolders
    }

    // MARK: - Operands

    /// Saves the entries of an operand as roots, without those that have one of `names`.
    func visitEntries(
        of operand: SaveOperand,
        without names: Set<[UInt8]>,
        as roots: FolderNode
    ) throws(RekkordError) {
        let opened = try OpenOperand(operand, keepsAccessTimes: options.keepsAccessTimes)
        let record = run.cache?.record(of: operand.key)
        try walk(opened, try opened.names(), as: Folder(roots, record, options), without: names)
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
        as folder: Folder,
        without namesOfOthers: Set<[UInt8]> = []
    ) throws(RekkordError) {
        var walker = FileTreeWalker(
            self,
            options: .init(
                followsLinks: options.followsLinks,
                keepsAccessTimes: options.keepsAccessTimes,
                foreignFolders: foreignFolders,
                excludes: options.excludes,
                namesOfOthers: namesOfOthers,
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
        _ names: DirectoryNames,
        replacedBy other: OpenFolder?
    ) throws(RekkordError) -> Folder {
        // All entries of the parent were handed over.
        parent.remembered = nil
        if let other {
            let attributes = run.attributes(of: other.descriptor) { parent.node.path(of: name) }
            parent.node.update(number, attributes: attributes) { entry in
                entry.setStatus(other.status)
                entry.isReliable = false
                entry.expectNothing()
            }
        }
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
}
