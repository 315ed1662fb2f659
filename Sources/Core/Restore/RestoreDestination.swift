internal import Glibc
import SystemPackage

/// Finds and opens the place that the user named, whose own links are followed as everywhere.
struct RestoreDestination {
    private let path: FilePath
    private let options: RestoreOptions
    private let foreignFolders: [FileIdentity: String]

    init(_ path: FilePath, _ options: RestoreOptions, foreignFolders: [FileIdentity: String]) {
        self.path = path
        self.options = options
        self.foreignFolders = foreignFolders
    }

    private func error(_ kind: RekkordError.Kind, _ reason: String, hint: String? = nil) -> RekkordError {
        RekkordError(kind, "cannot restore to '\(PrintedName.escape(path.bytes))': \(reason)", hint: hint)
    }

    /// What is there; nil when nothing is.
    private func status(followLinks: Bool) throws(RekkordError) -> FileStatus? {
        do throws(Errno) {
            return try System.status(of: path.bytes, followLinks: followLinks)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw self.error(.system, "\(error)")
        }
    }

    /// The folder whose content is restored: made when it is absent, unless nothing is to be written.
    ///
    /// - Parameter mode: The permissions of the folder in the snapshot, where it has some: a folder that is made gives
    ///   nobody more.
    func folder(atMost mode: UInt32?) throws(RekkordError) -> TargetFolder {
        let existing = try status(followLinks: true)
        if let existing, existing.type != .directory { throw error(.exists, "it is not a folder") }
        if existing == nil {
            try checkNoLink()
            try checkOutside(above: path)
            if options.isDryRun { return absentFolder() }
            try makeFolders(path)
        }
        let descriptor = try open(path)
        try checkOutside(descriptor)
        if existing != nil { try checkEmpty(descriptor) }
        guard System.tryLock(descriptor.number) else {
            throw error(.exists, "another restore is at work there")
        }
        if existing == nil, let mode { limit(descriptor, to: mode) }
        return try folder(descriptor, isNew: existing == nil)
    }

    private func limit(_ folder: Descriptor, to mode: UInt32) {
        guard let made = try? System.status(of: folder.number).permissions else { return }
        // Whoever restores has to get in, and the group is that of the folder around it.
        let limited = made & (mode | 0o7700)
        // A file system that knows no permissions gives none away.
        if limited != made { try? System.setMode(limited, of: folder.number) }
    }

    /// Refuses a link to nothing, in whose place no folder can be made.
    private func checkNoLink() throws(RekkordError) {
        guard try status(followLinks: false) != nil else { return }
        throw error(.exists, "it is a link to what is not there")
    }

    /// Where one file or link is to be.
    struct Place {
        let folder: TargetFolder
        /// The path of the folder.
        let path: FilePath
        let name: [UInt8]
    }

    /// The place for one file or link.
    ///
    /// - Parameter name: What it is called in the snapshot; empty when it has no name there.
    func place(named name: [UInt8]) throws(RekkordError) -> Place {
        let existing = try status(followLinks: true)
        if existing?.type == .special { throw error(.exists, "it is a special file") }
        if existing?.type == .directory {
            guard !name.isEmpty else {
                throw error(
                    .exists,
                    "it is a folder, and the object has no name",
                    hint: "name the file to write"
                )
            }
            let descriptor = try open(path)
            try checkOutside(descriptor)
            try checkEmpty(descriptor)
            return Place(folder: try folder(descriptor, isNew: false), path: path, name: name)
        }
        guard let last = path.lastComponent, last.kind == .regular else {
            throw error(.usage, "it does not name a file")
        }
        let ownName = FilePath(root: nil, [last]).bytes
        if try status(followLinks: false) != nil, !options.allowsExisting {
            throw error(.exists, "file exists", hint: "use --force")
        }
        let parent = path.removingLastComponent()
        let outer = parent.isEmpty ? FilePath(".") : parent
        let isMissing = (try? System.status(of: outer.bytes, followLinks: true)) == nil
        if isMissing {
            try checkOutside(above: outer)
            if options.isDryRun { return Place(folder: absentFolder(), path: parent, name: ownName) }
            try makeFolders(outer)
        }
        let descriptor = try open(outer)
        try checkOutside(descriptor)
        return Place(folder: try folder(descriptor, isNew: false), path: parent, name: ownName)
    }

    private func absentFolder() -> TargetFolder {
        TargetFolder(name: [], parent: nil, descriptor: nil, identity: nil, isNew: true, entry: nil)
    }

    private func folder(_ descriptor: Descriptor, isNew: Bool) throws(RekkordError) -> TargetFolder {
        do throws(Errno) {
            return TargetFolder(
                name: [],
                parent: nil,
                descriptor: descriptor,
                identity: try System.status(of: descriptor.number).identity,
                isNew: isNew,
                isMountPoint: try System.isMountPoint(descriptor.number),
                inheritsLists: RestoreRun.hasDefaultList(descriptor),
                entry: nil
            )
        } catch {
            throw self.error(.system, "\(error)")
        }
    }

    private func makeFolders(_ path: FilePath) throws(RekkordError) {
        do throws(Errno) {
            try System.makeFolders(path, mode: 0o777)
        } catch {
            throw self.error(.system, "\(error)")
        }
    }

    private func open(_ path: FilePath) throws(RekkordError) -> Descriptor {
        do throws(Errno) {
            return try System.open(path.bytes, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw self.error(.system, "\(error)")
        }
    }

    private func checkEmpty(_ folder: Descriptor) throws(RekkordError) {
        if options.allowsExisting { return }
        do throws(Errno) {
            let listing = try System.open(Array(".".utf8), in: folder.number, flags: O_RDONLY | O_DIRECTORY)
            if try DirectoryNames(reading: listing.number).count == 0 { return }
        } catch {
            throw self.error(.system, "\(error)")
        }
        throw error(.exists, "it is not empty", hint: "use --force")
    }

    /// As below, for a folder that is to be made: looks at the one that it will be in.
    private func checkOutside(above missing: FilePath) throws(RekkordError) {
        var path = missing
        while true {
            path = path.removingLastComponent()
            if path.isEmpty { path = "." }
            let folder: Descriptor
            do throws(Errno) {
                folder = try System.open(path.bytes, flags: System.pathOnly | O_DIRECTORY)
            } catch .noSuchFileOrDirectory where path != "." {
                continue
            } catch {
                throw self.error(.system, "\(error)")
            }
            return try checkOutside(folder)
        }
    }

    /// Nobody restores into the repository or the cache.
    private func checkOutside(_ folder: Descriptor) throws(RekkordError) {
        let reason: String?
        do throws(Errno) {
            reason = try reasonToStayOut(of: folder)
        } catch {
            throw self.error(.system, "\(error)")
        }
        if let reason { throw error(.usage, "it lies inside \(reason)") }
    }

    /// What foreign folder a folder is, or is in; nil when it is none.
    private func reasonToStayOut(of folder: Descriptor) throws(Errno) -> String? {
        var current = folder
        var status = try System.status(of: current.number)
        while true {
            if let reason = foreignFolders[status.identity] { return reason }
            current = try System.open(Array("..".utf8), in: current.number, flags: System.pathOnly)
            let above = try System.status(of: current.number)
            if above.identity == status.identity { return nil }
            status = above
        }
    }
}
