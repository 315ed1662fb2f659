internal import Glibc
internal import SystemPackage

/// Reads one folder of the repository with types and sizes.
enum FolderListing {
    /// One entry, without `.` and `..`.
    struct Entry {
        let name: [UInt8]
        let type: FileStatus.FileType
        let byteCount: Int
        let modification: FileStatus.Time
        let entityTag: String
    }

    /// Reads all entries; those that vanish meanwhile are left out.
    static func read(_ path: [UInt8]) throws(Errno) -> [Entry] {
        try read(try System.open(path, flags: O_RDONLY | O_DIRECTORY))
    }

    /// Reads all entries of an open folder from its start; those that vanish meanwhile are left out.
    static func read(_ folder: Descriptor) throws(Errno) -> [Entry] {
        // fdopendir takes over its descriptor.
        guard let stream = fdopendir(try System.check { fcntl(folder.number, F_DUPFD_CLOEXEC, 0) }) else {
            throw Errno(rawValue: errno)
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let item = readdir(stream) else {
                if errno != 0 { throw Errno(rawValue: errno) }
                return entries
            }
            let name = withUnsafePointer(to: &item.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: Int(NAME_MAX) + 1) { start in
                    Array(UnsafeBufferPointer(start: start, count: strlen(start)))
                }
            }
            guard EntryName.isValid(name) else { continue }
            do {
                let status = try System.status(of: name, in: folder.number)
                let entry = Entry(
                    name: name,
                    type: status.type,
                    byteCount: Int(clamping: status.size),
                    modification: status.modification,
                    entityTag: status.entityTag
                )
                entries.append(entry)
            } catch {
                if error != .noSuchFileOrDirectory { throw error }
            }
        }
    }
}

extension FileStatus {
    /// What stands in for the entity tag of an object: another file, or one that was written to, has another.
    ///
    /// The change time cannot be set back, and even renaming the file sets it.
    var entityTag: String {
        "\(inode)-\(modification.seconds).\(modification.nanoseconds)-\(change.seconds).\(change.nanoseconds)"
    }
}
