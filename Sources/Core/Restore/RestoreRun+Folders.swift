internal import Glibc
import SystemPackage

/// Folders are made, and found, by the thread that walks.
extension RestoreRun {
    /// Makes or finds the folder for `item`.
    ///
    /// - Returns: Nil when it is not to be entered; whatever there is to tell about that was told.
    func openFolder(
        _ item: FolderView.Item,
        in parent: TargetFolder,
        _ directory: Descriptor?
    ) -> TargetFolder? {
        let name = item.entry.name
        do throws(RekkordError) {
            switch pass {
            case .write:
                guard let directory else {
                    let reason = "the folder around it was moved away"
                    throw RekkordError(.system, "cannot write '\(printed(parent.path(of: name)))': \(reason)")
                }
                return try makeFolder(item, in: parent, directory)
            case .plan, .fetch:
                return try findFolder(item, in: parent, directory)
            case .compare:
                let folder = try findFolder(item, in: parent, directory)
                if folder?.isNew == true {
                    fail(
                        folder?.path ?? name,
                        "cannot verify '\(printed(parent.path(of: name)))': it is not there"
                    )
                    return nil
                }
                return folder
            }
        } catch {
            fail(parent.path(of: name), error)
            return nil
        }
    }

    private func makeFolder(
        _ item: FolderView.Item,
        in parent: TargetFolder,
        _ directory: Descriptor
    ) throws(RekkordError) -> TargetFolder? {
        let place = TargetPlace(folder: parent, directory: directory, entry: item.entry)
        let name = item.entry.name
        // What was not saved itself gets what a folder gets that is made by hand.
        let mode: UInt32 = item.isSynthetic ? 0o777 : 0o700
        let existing = try writing(place.path) { () throws(Errno) -> FileStatus? in
            do throws(Errno) {
                try System.makeFolder(name, in: directory.number, mode: mode)
                return nil
            } catch .fileExists {
                return try System.status(of: name, in: directory.number)
            }
        }
        guard let existing else { return try openNew(item, place, directory) }
        if existing.type == .directory { return try openExisting(existing, item, place, directory) }
        guard !options.keeps(existing, against: item.entry.attributes) else {
            throw isInTheWay("a file", place)
        }
        try writing(place.path) { () throws(Errno) in
            try System.remove(name, in: directory.number)
            try System.makeFolder(name, in: directory.number, mode: mode)
        }
        return try openNew(item, place, directory)
    }

    private func openNew(
        _ item: FolderView.Item,
        _ place: TargetPlace,
        _ directory: Descriptor
    ) throws(RekkordError) -> TargetFolder {
        let (descriptor, status) = try writing(place.path) { () throws(Errno) in
            let descriptor = try open(item.entry.name, in: directory)
            if place.folder.inheritsLists {
                // Nothing made in it may get lists that the snapshot does not have.
                try System.removeAttribute(AccessControlList.defaultAttribute, of: descriptor.number)
                try System.removeAttribute(AccessControlList.accessAttribute, of: descriptor.number)
            }
            return (descriptor, try System.status(of: descriptor.number))
        }
        return TargetFolder(
            name: item.entry.name,
            parent: place.folder,
            descriptor: descriptor,
            identity: status.identity,
            isNew: true,
            entry: item.isSynthetic ? nil : item.entry
        )
    }

    private func openExisting(
        _ existing: FileStatus,
        _ item: FolderView.Item,
        _ place: TargetPlace,
        _ directory: Descriptor
    ) throws(RekkordError) -> TargetFolder? {
        if let reason = circumstances.foreignFolders[existing.identity] {
            circumstances.warn("not entering '\(printed(place.path))': \(reason)")
            progress.addSkipped()
            return nil
        }
        // Whoever restores may write into it, as far as the folder is theirs.
        let isClosed = existing.mode & 0o700 != 0o700 && existing.uid == geteuid() && geteuid() != 0
        let (descriptor, status) = try writing(place.path) { () throws(Errno) in
            if isClosed {
                let named = try System.openBeneath(
                    item.entry.name,
                    in: directory.number,
                    by: options.opening,
                    flags: System.pathOnly | O_DIRECTORY
                )
                try System.setMode(existing.permissions | 0o700, ofPathOnly: named.number)
            }
            let descriptor = try open(item.entry.name, in: directory)
            return (descriptor, try System.status(of: descriptor.number))
        }
        let isUpdated = !item.isSynthetic && options.updates(existing, with: item.entry.attributes)
        return TargetFolder(
            name: item.entry.name,
            parent: place.folder,
            descriptor: descriptor,
            identity: status.identity,
            isNew: false,
            isMountPoint: isMountPoint(status, in: directory),
            inheritsLists: Self.hasDefaultList(descriptor),
            entry: isUpdated ? item.entry : nil,
            formerMode: isClosed ? existing.permissions : nil
        )
    }

    /// Finds a folder on the disk, for passes that change nothing; `isNew` when it is not there.
    private func findFolder(
        _ item: FolderView.Item,
        in parent: TargetFolder,
        _ directory: Descriptor?
    ) throws(RekkordError) -> TargetFolder? {
        let place = TargetPlace(folder: parent, directory: directory, entry: item.entry)
        let existing = try reading(place.path) { () throws(Errno) in try place.existing() }
        if let existing, existing.type == .directory, let directory {
            if circumstances.foreignFolders[existing.identity] != nil { return nil }
            let descriptor = try reading(place.path) { () throws(Errno) in
                try open(item.entry.name, in: directory)
            }
            return TargetFolder(
                name: item.entry.name,
                parent: parent,
                descriptor: descriptor,
                identity: existing.identity,
                isNew: false,
                isMountPoint: isMountPoint(existing, in: directory),
                entry: nil
            )
        }
        if let existing, existing.type != .directory, pass != .compare,
            options.keeps(existing, against: item.entry.attributes)
        {
            throw isInTheWay("a file", place)
        }
        return TargetFolder(
            name: item.entry.name,
            parent: parent,
            descriptor: nil,
            identity: nil,
            isNew: true,
            entry: nil
        )
    }

    func isInTheWay(_ what: String, _ place: TargetPlace) -> RekkordError {
        RekkordError(.exists, "cannot write '\(printed(place.path))': \(what) is in the way")
    }

    /// Whether a folder that is there has no entry, as far as it can be read.
    func isEmptyFolder(_ name: [UInt8], in directory: Descriptor) -> Bool {
        guard let folder = try? open(name, in: directory) else { return false }
        return (try? DirectoryNames(reading: folder.number).count) == 0
    }

    private func open(_ name: [UInt8], in directory: Descriptor) throws(Errno) -> Descriptor {
        try System.openBeneath(
            name,
            in: directory.number,
            by: options.opening,
            flags: O_RDONLY | O_DIRECTORY
        )
    }

    private func isMountPoint(_ status: FileStatus, in directory: Descriptor) -> Bool {
        guard let outer = try? System.status(of: directory.number) else { return true }
        return status.isOnOtherMount(than: outer)
    }

    /// Whether entries that are made in the folder get an access control list from it.
    static func hasDefaultList(_ folder: Descriptor) -> Bool {
        let path = Array("/proc/self/fd/\(folder.number)".utf8)
        let list = try? System.attribute(AccessControlList.defaultAttribute, of: path, followsLinks: true)
        return !(list ?? []).isEmpty
    }

    // MARK: - What is there already

    /// Removes what a killed restore left in a folder, and what the snapshot lacks where that is wanted.
    ///
    /// - Parameter view: What the snapshot has in this folder; nil where that is not known in full.
    func tidy(_ folder: TargetFolder, _ directory: Descriptor, keeping view: FolderView?) {
        guard pass == .write || pass == .plan, !folder.isNew else { return }
        let view = isStandIn(view, for: folder, directory) ? nil : view
        let found: DirectoryNames
        do throws(RekkordError) {
            found = try reading(folder.path) { () throws(Errno) in
                // A descriptor of its own, since reading moves a position.
                let listing = try open(Array(".".utf8), in: directory)
                return try DirectoryNames(reading: listing.number)
            }
        } catch {
            return fail(folder.path, error)
        }
        for index in 0..<found.count {
            if isOver { return }
            let name = found[index]
            if view?.item(named: name) == nil, TemporaryName.matches(name) {
                if pass == .write { try? System.remove(name, in: directory.number) }
            } else if options.deletes, let view, view.item(named: name) == nil {
                delete(name, in: folder, directory)
            }
        }
    }

    /// Whether a folder was stored empty since no save enters it: the place of a mount, or a repository.
    private func isStandIn(_ view: FolderView?, for folder: TargetFolder, _ directory: Descriptor) -> Bool {
        guard options.deletes, view?.count == 0 else { return false }
        if folder.isMountPoint { return true }
        guard LocalLayout.isRepository(directory) else { return false }
        circumstances.warn("not deleting in '\(printed(folder.path))': it is a repository")
        return true
    }

    private func delete(_ name: [UInt8], in folder: TargetFolder, _ directory: Descriptor) {
        let path = folder.path(of: name)
        do throws(Errno) {
            let status: FileStatus
            do throws(Errno) {
                status = try System.status(of: name, in: directory.number)
            } catch .noSuchFileOrDirectory {
                // It went by itself.
                return
            }
            let isFolder = status.type == .directory
            try remove(name, in: directory, isFolder: isFolder)
            reportRemoved(path, isFolder: isFolder)
        } catch {
            fail(path, "cannot delete '\(printed(path))': \(error)")
        }
    }

    /// Counts and names what was removed, or would be.
    func reportRemoved(_ path: [UInt8], isFolder: Bool) {
        progress.addDeleted()
        circumstances.report?("[-] \(PrintedName.escape(path))\(isFolder ? "/" : "")")
    }

    /// Removes an entry with all that is in it, or nothing when something in it may not be entered; in a dry run only looks.
    func remove(_ name: [UInt8], in directory: Descriptor, isFolder: Bool) throws(Errno) {
        guard isFolder else {
            if pass == .write { try System.remove(name, in: directory.number) }
            return
        }
        var removal = TreeRemoval(options.opening, sparing: Set(circumstances.foreignFolders.keys)) {
            [self] in isOver
        }
        try removal.check(name, in: directory)
        if pass == .write { try removal.remove(name, in: directory) }
    }
}
