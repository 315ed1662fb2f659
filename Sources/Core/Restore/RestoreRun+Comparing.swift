internal import Glibc
import SystemPackage

/// What was written is read back and compared, by the workers.
extension RestoreRun {
    /// Compares one file or link with what is on the disk.
    func compare(_ place: TargetPlace) throws(RekkordError) {
        guard let id = place.entry.objectID, let directory = place.directory else { return }
        guard let existing = try reading(place, { () throws(Errno) in try place.existing() }) else {
            throw difference(place, "it is not there")
        }
        // What was kept as it was is not what the snapshot has, and need not be.
        if options.overwrite != .always, existing.modification.timestamp != place.entry.mtime { return }
        switch (place.entry.kind, existing.type) {
        case (.link, .symbolicLink):
            let isSame = try reading(place) { () throws(Errno) in try hasTarget(id, place, directory) }
            guard isSame else {
                throw difference(place, "its target differs")
            }
        case (.file, .regular):
            try compareFile(place, id, size: Int64(clamping: existing.size), in: directory)
        default:
            throw difference(place, "it is of another type")
        }
    }

    private func compareFile(
        _ place: TargetPlace,
        _ id: ObjectID,
        size: Int64,
        in directory: Descriptor
    ) throws(RekkordError) {
        let file = try reading(place) { () throws(Errno) in try open(place, in: directory) }
        // Written back before, so that the disk has to tell.
        System.dropCachedPages(of: file.number)
        if size <= Self.usualByteCount {
            let content = try read(Int(size), at: 0, file, place)
            if content.withBytes({ circumstances.identify(.chunk, $0) }) == id {
                return progress.finish(byteCount: size)
            }
        }
        if size == 0, id == circumstances.emptyFile { return }
        let (blob, token) = try fetchContent(id, place)
        guard blob.type == .file, case let table = try table(blob, id, place), table.size == size else {
            throw difference(place, "its content differs")
        }
        guard table.count > 0 else { return }
        place.folder.begin()
        work(on: ChunkedFile(table, place, .compare(file), largeBlob: token))
    }

    /// Compares one chunk of a file.
    func compare(_ chunk: FileTable.Chunk, _ file: Descriptor, _ place: TargetPlace) throws(RekkordError) {
        let byteCount = Int(chunk.byteCount)
        let token = byteCount > Self.usualByteCount ? ChunkedFile.Token(from: largeChunks) : nil
        defer { _ = token }
        let content = try read(byteCount, at: chunk.offset, file, place)
        guard content.withBytes({ circumstances.identify(.chunk, $0) }) == chunk.objectID else {
            throw difference(place, "its content differs")
        }
        progress.finish(byteCount: Int64(byteCount))
    }

    private func read(
        _ byteCount: Int,
        at offset: Int64,
        _ file: Descriptor,
        _ place: TargetPlace
    ) throws(RekkordError) -> ByteBuffer {
        try reading(place) { () throws(Errno) in
            try ByteBuffer(capacity: byteCount) { (bytes) throws(Errno) in
                try System.read(into: bytes, from: file.number, at: offset)
            }
        }
    }

    /// Without a new access time where that is allowed.
    private func open(_ place: TargetPlace, in directory: Descriptor) throws(Errno) -> Descriptor {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        do throws(Errno) {
            return try System.openBeneath(
                place.entry.name,
                in: directory.number,
                by: options.opening,
                flags: flags | System.withoutAccessTime
            )
        } catch .notPermitted {
            return try System.openBeneath(
                place.entry.name,
                in: directory.number,
                by: options.opening,
                flags: flags
            )
        }
    }

    private func reading<Value>(
        _ place: TargetPlace,
        _ body: () throws(Errno) -> Value
    ) throws(RekkordError) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            throw difference(place, "\(error)")
        }
    }

    private func difference(_ place: TargetPlace, _ reason: String) -> RekkordError {
        RekkordError(.corrupted, "cannot verify '\(printed(place.path))': \(reason)")
    }
}
