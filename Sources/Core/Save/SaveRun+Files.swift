import Glibc
import SystemPackage

/// What the workers do: from open files and links to blobs.
extension SaveRun {
    /// Works until there are no more jobs.
    func work() {
        var reader = ChunkReader(splitter)
        while let job = jobs.pop() {
            if isOver { continue }
            switch job {
            case .file(let file): read(file, with: &reader)
            case .link(let target, let folder, let index): store(target, folder, index)
            case .chunk(let bytes, let file, let index):
                bytes.withBytes { store($0, file, index) }
            case .folder(let node): finish(node)
            }
        }
    }

    // MARK: - Links

    private func store(_ target: LinkTarget, _ folder: FolderNode, _ index: Int) {
        let tell = { @Sendable [self] (id: ObjectID, byteCount: Int64) in
            settle(folder, index) { entry in
                entry.setContent(id.hash, stored: byteCount)
            }
        }
        if let (id, byteCount) = storeBlob(.link, target.bytes, later: tell) { tell(id, byteCount) }
    }

    // MARK: - Files

    private func read(_ job: FileJob, with reader: inout ChunkReader) {
        do throws(Errno) {
            let file = try FileOpening.open(
                job.name,
                in: job.directory.number,
                flags: O_RDONLY | O_NONBLOCK | O_NOCTTY,
                followsLinks: job.isFollowed,
                keepsAccessTimes: options.keepsAccessTimes
            )
            let now = options.clock()
            let before = try System.status(of: file.number)
            // Only a regular file is read.
            guard before.type == .regular else { return leaveOutReplaced(job) }
            let saved = SavedFile(job)
            try readChunks(of: file, into: saved, with: &reader)
            if isOver { return }
            let after = try System.status(of: file.number)
            let isWhole = before.hasSameContent(as: after) && reader.offset == before.size
            let isUnchanged = before.hasSameContent(as: job.status)
            let isExpected = isWhole && isUnchanged
            if !isWhole { warn("file '\(job.folder.path(of: job.name))': it changed while it was read") }
            let isOther = before.identity != job.status.identity
            let attributes = isOther ? self.attributes(of: file) { job.folder.path(of: job.name) } : nil
            job.folder.update(job.index, attributes: attributes) { entry in
                entry.setStatus(before)
                // What was read is what the entry shows, also of a file that grows or shrinks.
                entry.size = Int64(clamping: reader.offset)
                // Those of the walk: after a change they are asked for again next time.
                entry.isReliable =
                    entry.isReliable && isExpected && StatusReliability.isReliable(before, at: now)
                if !isUnchanged { entry.expectNothing() }
            }
            if let state = saved.endReading(expecting: isExpected ? job.expectedHash : nil) {
                store(saved, state)
            }
        } catch  where job.isOperand {
            refuse(RekkordError(.system, "cannot read '\(job.folder.path(of: job.name))': \(error)"))
        } catch .noSuchFileOrDirectory {
            settle(job.folder, job.index) { $0.isLeftOut = true }
        } catch .tooManySymbolicLinkLevels where !job.isFollowed {
            leaveOutReplaced(job)
        } catch {
            reportUnreadable(job.name, in: job.folder, error)
            settle(job.folder, job.index) { _ in }
        }
    }

    private func leaveOutReplaced(_ job: FileJob) {
        if job.isOperand {
            return refuse(
                RekkordError(.system, "cannot read '\(job.folder.path(of: job.name))': special file")
            )
        }
        reportReplaced(job.name, in: job.folder)
        settle(job.folder, job.index) { $0.isLeftOut = true }
    }

    private func readChunks(
        of file: Descriptor,
        into saved: SavedFile,
        with reader: inout ChunkReader
    ) throws(Errno) {
        reader.restart()
        var isFirst = true
        while !isOver {
            let found: Void? = try reader.next(
                read: { (buffer) throws(Errno) in
                    try System.check { Glibc.read(file.number, buffer.baseAddress, buffer.count) }
                },
                { (chunk) throws(Errno) in
                    progress.add(byteCount: chunk.count)
                    let index = saved.append(byteCount: chunk.count)
                    // A long file keeps idle workers busy: a chunk that fills the whole queue gets in when that
                    // is empty, which is when the others have nothing better to do.
                    if !isFirst || chunk.count > Splitter.minimumChunkByteCount,
                        jobs.tryPush(.chunk(ByteBuffer(chunk), saved, index: index), cost: Self.queueCapacity)
                    {
                        return
                    }
                    store(chunk, saved, index)
                }
            )
            if found == nil { return }
            isFirst = false
        }
    }

    private func store(_ chunk: UnsafeRawBufferPointer, _ file: SavedFile, _ index: Int) {
        let tell = { @Sendable [self] (id: ObjectID, byteCount: Int64) in
            if let state = file.settle(index, id, stored: byteCount) { store(file, state) }
        }
        if let (id, byteCount) = storeBlob(.chunk, chunk, later: tell) { tell(id, byteCount) }
    }

    /// Stores the list of chunks where one is needed, and gives the entry its content.
    private func store(_ file: SavedFile, _ state: SavedFile.State) {
        if state.chunks.count == 1 {
            return settle(file.job, state, hash: state.chunks[0].hash, stored: state.stored)
        }
        let table = FileTable.encode(state.chunks, size: state.byteCount)
        let tell = { @Sendable [self] (id: ObjectID, byteCount: Int64) in
            settle(file.job, state, hash: id.hash, stored: state.stored + byteCount)
        }
        if let (id, byteCount) = storeBlob(.file, table, later: tell) { tell(id, byteCount) }
    }

    private func settle(_ job: FileJob, _ state: SavedFile.State, hash: Hash32, stored: Int64) {
        if let expected = state.expectedHash, expected != hash { reportMismatch(job.name, in: job.folder) }
        settle(job.folder, job.index) { entry in
            entry.setContent(hash, stored: stored)
        }
    }

    /// Makes an entry final, and finishes its folder when that was the last one.
    func settle(_ folder: FolderNode, _ index: Int, _ change: (inout SavedEntry) -> Void) {
        if folder.settle(index, change) { finish(folder) }
    }
}
