import Glibc
import SystemPackage

/// One entry that the walker met.
struct WalkedEntry {
    /// Its name in the folder.
    let name: [UInt8]
    /// What the kernel tells about it, or why it does not; of a link that is followed, about its target.
    let status: Result<FileStatus, Errno>
    /// Whether `status` is that of a link's target.
    let isFollowed: Bool
    /// The folder that holds it.
    let directory: Descriptor
}

/// Receives what a `FileTreeWalker` meets; it alone knows what is done with it.
///
/// For each folder: `entry` for every entry in the order of name bytes, then for each subfolder it wants to
/// enter either `enter`, all that is in it, and its `leave`, or `cannotEnter`.
protocol FileTreeVisitor: AnyObject {
    /// What the visitor knows a folder by.
    associatedtype Folder

    /// Notes an entry that the exclude rules leave out.
    func leaveOut(_ name: [UInt8], in folder: Folder)
    /// Takes an entry; for a folder that shall be entered, returns a number that tells it from its siblings.
    func entry(_ entry: WalkedEntry, in folder: Folder) throws(RekkordError) -> Int?
    /// A folder was opened, and its entries follow: those of `names` that are not left out.
    ///
    /// - Parameter other: Another folder, if it took the name since the parent was listed.
    func enter(
        _ number: Int,
        _ name: [UInt8],
        in parent: Folder,
        _ names: DirectoryNames,
        replacedBy other: OpenFolder?
    ) throws(RekkordError) -> Folder
    /// A folder could not be opened or listed, or is not to be entered.
    func cannotEnter(
        _ number: Int,
        _ name: [UInt8],
        in parent: Folder,
        _ reason: FolderRefusal
    ) throws(RekkordError)
    /// Everything in a folder was handed over.
    func leave(_ folder: Folder) throws(RekkordError)
}

/// A folder that is open, and what its descriptor tells.
struct OpenFolder {
    let descriptor: Descriptor
    let status: FileStatus
}

/// Tells why a folder below the root of a walk is not entered.
enum FolderRefusal {
    /// The kernel refused.
    case failed(Errno)
    /// What is no folder took its name since its parent was listed, or a folder that is not to be entered.
    case replaced
    /// It is not meant to be entered: a pseudo file system, the repository.
    case foreign(String)
    /// It is on another file system, and the walk stays on one.
    case otherFileSystem
}

/// Walks a tree of folders depth first, over descriptors, so that neither long paths nor renames mislead it.
///
/// Special files are never opened. Depth costs memory, but neither stack nor descriptors: the folders far
/// above the current one are closed and found again through `..`.
struct FileTreeWalker<Visitor: FileTreeVisitor> {
    /// How to walk.
    struct Options {
        /// Enter folders behind links, and tell the status of what links point to.
        var followsLinks = false
        /// Ask the kernel to leave access times alone where it permits that.
        var keepsAccessTimes = false
        /// Folders that are not entered below the root, and why.
        var foreignFolders: [FileIdentity: String] = [:]
        /// What is left out below the root.
        var excludes = ExcludeRules()
        /// Entries of the root that are somebody else's to walk.
        var namesOfOthers: Set<[UInt8]> = []
        /// Enter no folder of another file system than that of the root.
        var staysOnFileSystem = false
    }

    private struct Subfolder {
        let name: [UInt8]
        let number: Int
        let identity: FileIdentity
        let isFollowed: Bool
    }

    private struct Level {
        var descriptor: Descriptor?
        let identity: FileIdentity
        let folder: Visitor.Folder
        /// Whether `..` of this folder may be another than the one above, which then stays open.
        let isBehindLink: Bool
        /// Where the exclude rules are.
        let place: ExcludeRules.Place
        /// What is left to enter, last first.
        var subfolders: [Subfolder] = []
    }

    private static var maxOpenLevels: Int { 64 }

    private let visitor: Visitor
    private let options: Options
    private var levels: [Level] = []
    /// The file system of the root.
    private var device: UInt64 = 0

    init(_ visitor: Visitor, options: Options) {
        self.visitor = visitor
        self.options = options
    }

    /// Opens a folder for reading its names; `name` may be a path.
    static func open(
        _ name: [UInt8],
        in directory: Int32 = System.workingDirectory,
        followsLinks: Bool,
        keepsAccessTimes: Bool
    ) throws(Errno) -> Descriptor {
        try FileOpening.open(
            name,
            in: directory,
            flags: O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY,
            followsLinks: followsLinks,
            keepsAccessTimes: keepsAccessTimes
        )
    }

    /// Walks everything below `root`, an open folder, whose names were read already.
    ///
    /// - Parameter path: The absolute path of the root, for exclude rules that look at paths.
    mutating func walk(
        _ root: Descriptor,
        _ status: FileStatus,
        _ names: DirectoryNames,
        path: [UInt8],
        as folder: Visitor.Folder
    ) throws(RekkordError) {
        device = status.device
        defer {
            // Deepest first: folders of the visitor may hold the one above them.
            while levels.popLast() != nil {}
        }
        try push(
            Level(
                descriptor: root,
                identity: status.identity,
                folder: folder,
                isBehindLink: true,
                place: options.excludes.place(ofRoot: path)
            ),
            root,
            names
        )
        while let top = levels.indices.last {
            if let next = levels[top].subfolders.popLast() {
                try enter(next, from: top)
            } else {
                let level = levels.removeLast()
                reopenTop(from: level)
                try visitor.leave(level.folder)
            }
        }
    }

    /// Opens one subfolder and hands over its entries.
    private mutating func enter(_ subfolder: Subfolder, from top: Int) throws(RekkordError) {
        let parent = levels[top]
        let opened: Opened
        switch open(subfolder, in: parent) {
        case .failure(let reason):
            return try visitor.cannotEnter(subfolder.number, subfolder.name, in: parent.folder, reason)
        case .success(let result):
            opened = result
        }
        let folder = try visitor.enter(
            subfolder.number,
            subfolder.name,
            in: parent.folder,
            opened.names,
            replacedBy: opened.status.identity == subfolder.identity
                ? nil : OpenFolder(descriptor: opened.descriptor, status: opened.status)
        )
        let level = Level(
            descriptor: opened.descriptor,
            identity: opened.status.identity,
            folder: folder,
            isBehindLink: subfolder.isFollowed,
            place: options.excludes.place(of: subfolder.name, in: parent.place)
        )
        try push(level, opened.descriptor, opened.names)
    }

    private struct Opened {
        let descriptor: Descriptor
        let status: FileStatus
        let names: DirectoryNames
    }

    private enum Opening {
        case success(Opened)
        case failure(FolderRefusal)
    }

    /// Whether a folder that took the name of another one is not to be entered.
    private func isKeptOut(_ folder: Descriptor, _ identity: FileIdentity, in parent: Level) -> Bool {
        if isAbove(identity, parent.identity) || isElsewhere(identity) { return true }
        if options.foreignFolders[identity] != nil { return true }
        return identity.device != parent.identity.device
            && ForeignFileSystem.reasonToStayOut(of: folder, device: identity.device) != nil
    }

    private func open(_ subfolder: Subfolder, in parent: Level) -> Opening {
        if isElsewhere(subfolder.identity) { return .failure(.otherFileSystem) }
        if let reason = options.foreignFolders[subfolder.identity] { return .failure(.foreign(reason)) }
        // The way back from a very deep folder is lost when somebody moved it meanwhile.
        guard let directory = parent.descriptor else { return .failure(.failed(.staleNFSFileHandle)) }
        if subfolder.identity.device != parent.identity.device,
            let reason = ForeignFileSystem.reasonToStayOut(
                of: subfolder.name,
                in: directory.number,
                followsLinks: subfolder.isFollowed,
                device: subfolder.identity.device
            )
        {
            return .failure(.foreign(reason))
        }
        do throws(Errno) {
            let descriptor = try Self.open(
                subfolder.name,
                in: directory.number,
                followsLinks: subfolder.isFollowed,
                keepsAccessTimes: options.keepsAccessTimes
            )
            let status = try System.status(of: descriptor.number)
            // What was told about the folder is not true of the one that has its name now.
            if status.identity != subfolder.identity, isKeptOut(descriptor, status.identity, in: parent) {
                return .failure(.replaced)
            }
            let names = try DirectoryNames(reading: descriptor.number)
            return .success(Opened(descriptor: descriptor, status: status, names: names))
        } catch  where error == .notDirectory || error == .tooManySymbolicLinkLevels {
            return .failure(.replaced)
        } catch {
            return .failure(.failed(error))
        }
    }

    /// Hands over the entries of a folder, and keeps what is to be entered.
    private mutating func push(
        _ level: Level,
        _ descriptor: Descriptor,
        _ names: DirectoryNames
    ) throws(RekkordError) {
        var level = level
        let namesLeft = options.excludes.namesLeft(of: names, in: descriptor)
        for index in 0..<names.count {
            let name = names[index]
            if levels.isEmpty, options.namesOfOthers.contains(name) { continue }
            var found: (Result<FileStatus, Errno>, isFollowed: Bool)?
            func status() -> (Result<FileStatus, Errno>, isFollowed: Bool) {
                let status =
                    found ?? self.status(at: index, of: names, in: descriptor, identity: level.identity)
                found = status
                return status
            }
            let isExcluded =
                namesLeft?.contains(name) == false
                || options.excludes.excludes(name, at: level.place) { status().0.isFolder }
            if isExcluded {
                visitor.leaveOut(name, in: level.folder)
                continue
            }
            let (status, isFollowed) = status()
            if case .failure(.noSuchFileOrDirectory) = status { continue }
            let entry = WalkedEntry(
                name: name,
                status: status,
                isFollowed: isFollowed,
                directory: descriptor
            )
            guard let number = try visitor.entry(entry, in: level.folder) else { continue }
            guard case .success(let status) = status, status.type == .directory else { continue }
            level.subfolders.append(
                Subfolder(
                    name: entry.name,
                    number: number,
                    identity: status.identity,
                    isFollowed: isFollowed
                )
            )
        }
        level.subfolders.reverse()
        levels.append(level)
        let closing = levels.count - 1 - Self.maxOpenLevels
        if closing >= 0, !levels[closing + 1].isBehindLink { levels[closing].descriptor = nil }
    }

    private func status(
        at index: Int,
        of names: DirectoryNames,
        in directory: Descriptor,
        identity: FileIdentity
    ) -> (Result<FileStatus, Errno>, isFollowed: Bool) {
        names.withCString(at: index) { name in
            let own = Self.status(of: name, in: directory, followLinks: false)
            guard options.followsLinks, case .success(let link) = own, link.type == .symbolicLink,
                case .success(let target) = Self.status(of: name, in: directory, followLinks: true)
            else { return (own, false) }
            switch target.type {
            case .regular: return (.success(target), true)
            case .directory where !isAbove(target.identity, identity) && !isElsewhere(target.identity):
                return (.success(target), true)
            case .directory, .symbolicLink, .special: return (own, false)
            }
        }
    }

    private static func status(
        of name: UnsafePointer<CChar>,
        in directory: Descriptor,
        followLinks: Bool
    ) -> Result<FileStatus, Errno> {
        Result { () throws(Errno) in
            try System.status(of: name, in: directory.number, followLinks: followLinks)
        }
    }

    /// Whether a folder is on a file system that the walk keeps off.
    private func isElsewhere(_ folder: FileIdentity) -> Bool {
        options.staysOnFileSystem && folder.device != device
    }

    /// Whether entering `folder` from `current` would be a loop.
    private func isAbove(_ folder: FileIdentity, _ current: FileIdentity) -> Bool {
        folder == current || levels.contains { $0.identity == folder }
    }

    /// Opens the folder above `level` again if it was closed for depth.
    private mutating func reopenTop(from level: Level) {
        guard let top = levels.indices.last, levels[top].descriptor == nil,
            let child = level.descriptor,
            let descriptor = try? Self.open(
                Array("..".utf8),
                in: child.number,
                followsLinks: false,
                keepsAccessTimes: options.keepsAccessTimes
            ),
            let status = try? System.status(of: descriptor.number), status.identity == levels[top].identity
        else { return }
        levels[top].descriptor = descriptor
    }
}

extension Result<FileStatus, Errno> {
    fileprivate var isFolder: Bool {
        if case .success(let status) = self { status.type == .directory } else { false }
    }
}
