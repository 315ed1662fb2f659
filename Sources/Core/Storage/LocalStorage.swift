internal import Glibc
public import SystemPackage

/// Keeps objects as files below a folder.
///
/// - Source: rekkord-format(5), "OBJECTS"; docs/decisions/0008.
public final class LocalStorage: Storage {
    /// A folder of this machine.
    public let kind = StorageKind.local
    /// The path, escaped for messages.
    public let displayURL: String
    /// The folder as bytes, for comparing it with mount points and walked folders.
    public let rootPath: [UInt8]

    /// Names the place; nothing is opened or made.
    public init(_ path: FilePath) {
        displayURL = path.printed
        rootPath = path.bytes
    }

    func path(_ name: String) -> [UInt8] {
        rootPath + [UInt8(ascii: "/")] + Array(name.utf8)
    }

    /// Reads a whole file; see `Storage`.
    public func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
        try read(name, limit: limit, isAgain: false).bytes
    }

    /// Reads a whole file; see `Storage`.
    public func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject {
        let file: Descriptor
        let status: FileStatus
        do {
            // Opening must not wait for a writer of a pipe.
            file = try System.open(path(name), flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
            status = try System.status(of: file.number)
        } catch {
            throw Self.failure("read", name, error)
        }
        guard status.type == .regular else {
            throw RekkordError(.corrupted, "cannot read \(Self.printed(name)): not a regular file")
        }
        guard status.size <= UInt64(limit) else {
            throw RekkordError(.corrupted, "cannot read \(Self.printed(name)): larger than \(limit) bytes")
        }
        do {
            let bytes = try ByteBuffer(receiving: Int(status.size), isAgain: isAgain) {
                (target) throws(Errno) in
                try System.fill(target, from: file.number)
            }
            var state = ObjectState()
            state.entityTag = status.entityTag
            return ReadObject(bytes: bytes, state: state)
        } catch {
            throw Self.failure("read", name, error)
        }
    }

    /// Writes a temporary file, syncs and renames it; see `Storage`.
    public func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ mode: WriteMode
    ) throws(RekkordError) -> WriteOutcome {
        do {
            let file = try TemporaryFile(for: self, bytes, isSynced: true)
            return try file.moveIntoPlace(name, mode, isSynced: true)
        } catch {
            throw Self.failure("write", name, error)
        }
    }

    /// Starts a group of files, and removes what saves left behind that died long ago.
    public func makeBatch() throws(RekkordError) -> any WriteBatch {
        TemporaryFile.removeStale(of: self)
        return try LocalWriteBatch(self)
    }

    /// Walks the folders below `prefix`; see `Storage`.
    public func list(
        prefix: String,
        _ body: (StoredObject) throws(RekkordError) -> Void
    ) throws(RekkordError) {
        var folders = [prefix]
        while let folder = folders.popLast() {
            let entries: [FolderListing.Entry]
            do {
                entries = try FolderListing.read(path(folder))
            } catch .noSuchFileOrDirectory {
                // No object is there only where the repository itself is: a disk may have been unmounted.
                if folder == prefix, (try? System.status(of: path("rekkord"), followLinks: true)) == nil {
                    throw Self.failure("list", prefix, .noSuchFileOrDirectory)
                }
                continue
            } catch {
                throw Self.failure("list", folder, error)
            }
            for entry in entries {
                let name = folder + String(decoding: entry.name, as: UTF8.self)
                if name == TemporaryFile.folder { continue }
                switch entry.type {
                case .directory: folders.append(name + "/")
                case .regular, .symbolicLink:
                    var object = StoredObject(name: name, byteCount: entry.byteCount)
                    object.entityTag = entry.entityTag
                    try body(object)
                case .special: continue
                }
            }
        }
    }

    /// Makes the folders of a new repository; see `Storage`.
    public func initialize(_ objects: [NewObject]) throws(RekkordError) {
        try LocalLayout.create(self, objects)
    }

    /// Turns an errno into an error that names the object.
    static func failure(_ verb: String, _ name: String, _ error: Errno) -> RekkordError {
        let kind: RekkordError.Kind =
            switch error {
            case .noSuchFileOrDirectory, .notDirectory: .missing
            case .permissionDenied, .notPermitted: .denied
            default: .storage
            }
        return RekkordError(kind, "cannot \(verb) \(printed(name)): \(error)")
    }

    private static func printed(_ name: String) -> String {
        name.isEmpty ? "the repository" : "'\(PrintedName.escape(name.utf8))'"
    }
}
