internal import Glibc
import SystemPackage

/// Files and links are fetched, checked and written by the workers.
extension RestoreRun {
    /// Restores one file or link, as far as this pass does.
    func restore(_ place: TargetPlace) {
        do throws(RekkordError) {
            switch pass {
            case .plan: try plan(place)
            case .compare: try compare(place)
            case .write, .fetch:
                if try isKept(place) { return skip(place) }
                switch place.entry.kind {
                case .file: try restoreFile(place)
                case .link: try restoreLink(place)
                case .directory, .unknown: break
                }
            }
        } catch {
            fail(place.path, error)
        }
    }

    /// Counts what would be done.
    private func plan(_ place: TargetPlace) throws(RekkordError) {
        if try isKept(place) { return skip(place) }
        if let directory = place.directory, (try? place.existing())?.type == .directory,
            !isEmptyFolder(place.entry.name, in: directory)
        {
            try makeRoom(for: place, directory)
        }
        let isLink = place.entry.kind == .link
        if isLink { progress.addLink() } else { progress.addFile(byteCount: max(0, place.entry.size)) }
        report(isLink ? "[L]" : "[F]", place)
    }

    func report(_ letter: String, _ place: TargetPlace) {
        guard let report = circumstances.report else { return }
        report("\(letter) \(PrintedName.escape(place.path))")
    }

    private func skip(_ place: TargetPlace) {
        progress.addSkipped()
        progress.finish(byteCount: max(0, place.entry.size))
    }

    /// Whether something stays that is in the place already.
    private func isKept(_ place: TargetPlace) throws(RekkordError) -> Bool {
        let existing = try reading(place.path) { () throws(Errno) in try place.existing() }
        guard let existing, options.keeps(existing, against: place.entry.attributes) else { return false }
        // Whether a link differs is told by its target, which needs no fetching.
        guard options.overwrite == .changed, place.entry.kind == .link, let directory = place.directory,
            let id = place.entry.objectID
        else { return true }
        return try reading(place.path) { () throws(Errno) in try hasTarget(id, place, directory) }
    }

    /// Whether a link that is there is the one with this blob.
    func hasTarget(_ id: ObjectID, _ place: TargetPlace, _ directory: Descriptor) throws(Errno) -> Bool {
        let target = try System.linkTarget(
            of: place.entry.name,
            in: directory.number,
            limit: LinkTarget.maxByteCount + 1
        )
        return target.withRawBytes { circumstances.identify(.link, $0) } == id
    }

    // MARK: - Links

    private func restoreLink(_ place: TargetPlace) throws(RekkordError) {
        let id = try objectID(of: place)
        let blob = try fetch(id, place, limit: Self.usualByteCount)
        guard blob.type == .link else { throw wrongType(id, place, "link") }
        let target: LinkTarget
        do throws(FormatError) {
            target = try LinkTarget(blob.bytes.array)
        } catch {
            throw RekkordError(.corrupted, "\(id): \(error.reason)").reading(place.path)
        }
        if pass == .write {
            guard let directory = place.directory else { throw lost(place) }
            try makeLink(place, directory, to: target)
        }
        progress.addLink()
        report("[L]", place)
    }

    private func makeLink(_ place: TargetPlace, _ directory: Descriptor, to target: LinkTarget)
        throws(RekkordError)
    {
        let name = place.entry.name
        var attributes = TargetAttributes(place.entry, options)
        let isMade = try writing(place.path) { () throws(Errno) in
            guard place.folder.isNew else { return false }
            do throws(Errno) {
                // A link is complete as soon as it is there.
                try System.makeLink(name, in: directory.number, to: target.bytes)
                return true
            } catch .fileExists {
                return false
            }
        }
        if isMade {
            attributes.set(onLink: name, in: directory.number)
        } else {
            let temporary = names.next()
            try writing(place.path) { () throws(Errno) in
                try System.makeLink(temporary, in: directory.number, to: target.bytes)
            }
            attributes.set(onLink: temporary, in: directory.number)
            do throws(RekkordError) {
                try take(place, directory) { () throws(Errno) in
                    try System.rename(temporary, to: name, in: directory.number)
                }
            } catch {
                try? System.remove(temporary, in: directory.number)
                throw error
            }
        }
        report(attributes.problems, place.path)
    }

    // MARK: - Files

    /// The largest plaintext of a chunk, and of the table of all but huge files.
    static let usualByteCount = Splitter.maximumChunkByteCount

    private func restoreFile(_ place: TargetPlace) throws(RekkordError) {
        let id = try objectID(of: place)
        if id == circumstances.emptyFile {
            return try restoreFile(place, size: 0) { (_) throws(Errno) in }
        }
        let (blob, token) = try fetchContent(id, place)
        switch blob.type {
        case .chunk:
            try restoreFile(place, size: Int64(blob.bytes.count)) { (file) throws(Errno) in
                try blob.bytes.withBytes { (bytes) throws(Errno) in try file.write(bytes, at: 0) }
                if options.leavesHoles { try file.setSize(Int64(blob.bytes.count)) }
            }
        case .file:
            let table = try table(blob, id, place)
            guard table.count > 0 else {
                return try restoreFile(place, size: 0) { (_) throws(Errno) in }
            }
            let work: ChunkedFile.Work = pass == .write ? .write(try makeFile(place)) : .fetch
            place.folder.begin()
            self.work(on: ChunkedFile(table, place, work, largeBlob: token))
        default:
            throw wrongType(id, place, "file")
        }
    }

    /// Restores a file whose content is at hand.
    private func restoreFile(
        _ place: TargetPlace,
        size: Int64,
        _ write: (TargetFile) throws(Errno) -> Void
    ) throws(RekkordError) {
        if pass == .write {
            let file = try makeFile(place)
            try writing(place.path) { () throws(Errno) in try write(file) }
            try finish(file)
        }
        progress.finish(byteCount: size)
        progress.addFile(byteCount: size)
        report("[F]", place)
    }

    private func makeFile(_ place: TargetPlace) throws(RekkordError) -> TargetFile {
        guard let directory = place.directory else { throw lost(place) }
        return try writing(place.path) { () throws(Errno) in
            try TargetFile(place, in: directory, names, options)
        }
    }

    /// Gives a complete file its attributes and its name.
    private func finish(_ file: TargetFile) throws(RekkordError) {
        let place = file.place
        guard let directory = place.directory else { throw lost(place) }
        var attributes = TargetAttributes(place.entry, options)
        attributes.set(on: file.descriptor.number, isNew: true, inheritsLists: place.folder.inheritsLists)
        try writing(place.path) { () throws(Errno) in try file.close() }
        try take(place, directory) { () throws(Errno) in try file.takeName() }
        report(attributes.problems, place.path)
    }

    /// Does a rename; a folder in the way is removed where that is allowed.
    private func take(
        _ place: TargetPlace,
        _ directory: Descriptor,
        _ rename: () throws(Errno) -> Void
    ) throws(RekkordError) {
        let name = place.entry.name
        let isDone = try writing(place.path) { () throws(Errno) in
            do throws(Errno) {
                try rename()
                return true
            } catch .isDirectory {
                return false
            }
        }
        if isDone { return }
        do throws(Errno) {
            try System.remove(name, in: directory.number, isFolder: true)
        } catch {
            try makeRoom(for: place, directory)
        }
        try writing(place.path, rename)
    }

    /// Removes a folder with content that is in the way, where that is allowed; in a dry run only says so.
    private func makeRoom(for place: TargetPlace, _ directory: Descriptor) throws(RekkordError) {
        guard options.deletes else { throw isInTheWay("a folder that is not empty", place) }
        try writing(place.path) { () throws(Errno) in
            try remove(place.entry.name, in: directory, isFolder: true)
        }
        reportRemoved(place.path, isFolder: true)
    }

    // MARK: - Chunks

    /// Does chunk after chunk of a file until none is left, and ends the file with its last one.
    func work(on file: ChunkedFile) {
        // Keeps the table until the end, also when another thread ends the file.
        while let chunk = file.take() {
            while file.wantsHelp(of: options.threadCount) {
                guard jobs.tryPush(.help(file)) else {
                    file.dropHelp()
                    break
                }
            }
            if !isOver, file.error == nil {
                do throws(RekkordError) {
                    try work(on: chunk, of: file)
                } catch {
                    file.fail(error)
                }
            }
            if file.end() { end(file) }
        }
    }

    private func work(on chunk: FileTable.Chunk, of file: ChunkedFile) throws(RekkordError) {
        switch file.work {
        case .compare(let descriptor): return try compare(chunk, descriptor, file.place)
        case .write, .fetch: break
        }
        let place = file.place
        let id = chunk.objectID
        let byteCount = Int(chunk.byteCount)
        let token = byteCount > Self.usualByteCount ? ChunkedFile.Token(from: largeChunks) : nil
        defer { _ = token }
        let blob = try fetch(id, place, limit: max(byteCount, 1))
        guard blob.type == .chunk, blob.bytes.count == byteCount else {
            throw RekkordError(.corrupted, "\(id): wrong type or size").reading(place.path)
        }
        if case .write(let target) = file.work {
            try writing(place.path) { () throws(Errno) in
                try blob.bytes.withBytes { (bytes) throws(Errno) in try target.write(bytes, at: chunk.offset)
                }
            }
        }
        progress.finish(byteCount: Int64(byteCount))
    }

    /// Ends a file all of whose chunks are done.
    private func end(_ file: ChunkedFile) {
        let place = file.place
        do throws(RekkordError) {
            if isOver { throw RekkordError(.interrupted, "interrupted") }
            if let error = file.error { throw error }
            if case .write(let target) = file.work {
                try writing(place.path) { () throws(Errno) in try target.setSize(file.table.size) }
                try finish(target)
            }
            if pass != .compare {
                progress.addFile(byteCount: file.table.size)
                report("[F]", place)
            }
        } catch {
            fail(place.path, error)
        }
        complete(place.folder, place.directory)
    }

    // MARK: - Fetching

    private func objectID(of place: TargetPlace) throws(RekkordError) -> ObjectID {
        if let id = place.entry.objectID { return id }
        throw RekkordError(.missing, "it could not be read when it was saved").reading(place.path)
    }

    private func fetch(_ id: ObjectID, _ place: TargetPlace, limit: Int) throws(RekkordError) -> Blob {
        do throws(RekkordError) {
            return try circumstances.content.blob(id, limit: limit)
        } catch {
            throw error.reading(place.path)
        }
    }

    /// Fetches the blob of a file, whose size nobody can know before.
    ///
    /// - Returns: Also what allows a blob beyond the usual size; it is to be kept as long as the blob.
    func fetchContent(_ id: ObjectID, _ place: TargetPlace) throws(RekkordError) -> (Blob, ChunkedFile.Token?)
    {
        do throws(RekkordError) {
            return (try circumstances.content.blob(id, limit: Self.usualByteCount), nil)
        } catch  where error.kind == .corrupted {
            // Damaged, or a table of more than 190,000 chunks.
            let token = ChunkedFile.Token(from: largeTables)
            return (try fetch(id, place, limit: Repository.maxPlaintextByteCount), token)
        } catch {
            throw error.reading(place.path)
        }
    }

    func table(_ blob: Blob, _ id: ObjectID, _ place: TargetPlace) throws(RekkordError) -> FileTable {
        do throws(FormatError) {
            return try FileTable(blob.bytes)
        } catch {
            throw RekkordError(.corrupted, "\(id): \(error.reason)").reading(place.path)
        }
    }

    private func wrongType(_ id: ObjectID, _ place: TargetPlace, _ noun: String) -> RekkordError {
        RekkordError(.corrupted, "\(id): it is not a \(noun)").reading(place.path)
    }

    private func lost(_ place: TargetPlace) -> RekkordError {
        RekkordError(.system, "cannot write '\(printed(place.path))': its folder was moved away")
    }
}
