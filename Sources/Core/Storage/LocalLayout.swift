internal import Glibc
internal import SystemPackage

/// The folders of a local repository.
///
/// - Source: rekkord-format(5), "OBJECTS".
enum LocalLayout {
    private static let rekkord = "rekkord"

    /// Makes an empty repository and writes its first objects; removes what it made when it fails.
    static func create(_ storage: LocalStorage, _ objects: [NewObject]) throws(RekkordError) {
        try refuseContent(of: storage)
        var made: [(path: [UInt8], isFolder: Bool)] = []
        do throws(RekkordError) {
            for folder in folders {
                if try make(folder, in: storage) { made.append((storage.path(folder), true)) }
            }
            try syncFolders(of: storage)
            for object in objects {
                made.append((storage.path(object.name), false))
                let outcome = try object.bytes.withRawBytes { (bytes) throws(RekkordError) in
                    try storage.put(object.name, bytes, .create)
                }
                if outcome == .exists {
                    made.removeLast()
                    if object.name == rekkord { throw alreadyInitialized(storage) }
                }
            }
        } catch {
            // A folder that somebody else has used meanwhile is not empty and stays.
            for item in made.reversed() {
                _ = System.withCString(item.path) { item.isFolder ? rmdir($0) : unlink($0) }
            }
            throw error
        }
    }

    /// The root, the fixed folders and the 512 for blobs, parents first.
    private static let folders: [String] = {
        var folders = ["", "keys", "tags", "blobs", "tmp", "tags/M", "tags/P", "blobs/M", "blobs/R"]
        for catalog in ["M", "R"] {
            for first in 0...UInt8.max { folders.append("blobs/\(catalog)/\(Hexadecimal.encode([first]))") }
        }
        return folders
    }()

    /// Makes the fixed folders durable: whoever renames an object into one of them syncs that folder alone.
    private static func syncFolders(of storage: LocalStorage) throws(RekkordError) {
        // Not everybody who may write below a folder may read it.
        try? syncFolder("..", in: storage)
        for folder in ["", "tags", "blobs", "blobs/M", "blobs/R"] {
            do throws(Errno) {
                try syncFolder(folder, in: storage)
            } catch {
                throw LocalStorage.failure("write", folder, error)
            }
        }
    }

    /// Whether an open folder holds a repository, as far as it can be read.
    static func isRepository(_ folder: Descriptor) -> Bool {
        func type(_ name: String) -> FileStatus.FileType? {
            try? System.status(of: Array(name.utf8), in: folder.number).type
        }
        return type(rekkord) == .regular && type("blobs") == .directory && type("tags") == .directory
    }

    private static func refuseContent(of storage: LocalStorage) throws(RekkordError) {
        let entries: [FolderListing.Entry]
        do {
            entries = try FolderListing.read(storage.path(""))
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw RekkordError(.exists, "cannot initialise '\(storage.displayURL)': \(error)")
        }
        if entries.contains(where: { $0.name.elementsEqual(rekkord.utf8) }) {
            throw alreadyInitialized(storage)
        }
        guard holdsOnlyRemains(entries, "", storage) else {
            throw RekkordError(
                .exists,
                "cannot initialise '\(storage.displayURL)': the folder is not empty",
                hint: "choose an empty or new folder"
            )
        }
    }

    /// Whether there is nothing but what a run that was killed before it wrote `rekkord` can have left.
    private static func holdsOnlyRemains(
        _ entries: [FolderListing.Entry],
        _ parent: String,
        _ storage: LocalStorage
    ) -> Bool {
        entries.allSatisfy { entry in
            let name = parent + String(decoding: entry.name, as: UTF8.self)
            switch entry.type {
            case .regular:
                return name == ReservedName.conditionalWriteProbe && entry.byteCount == 0
                    || parent == TemporaryFile.folder + "/" && TemporaryFile.isTemporary(entry.name)
            case .directory:
                guard folders.contains(name), let below = try? FolderListing.read(storage.path(name)) else {
                    return false
                }
                return holdsOnlyRemains(below, name + "/", storage)
            case .symbolicLink, .special:
                return false
            }
        }
    }

    private static func alreadyInitialized(_ storage: LocalStorage) -> RekkordError {
        RekkordError(.exists, "cannot initialise '\(storage.displayURL)': already initialised")
    }

    /// Makes one folder; false when it was there.
    private static func make(_ folder: String, in storage: LocalStorage) throws(RekkordError) -> Bool {
        do throws(Errno) {
            return try make(storage.path(folder))
        } catch {
            let path = folder.isEmpty ? storage.displayURL : PrintedName.escape(storage.path(folder))
            throw RekkordError(.storage, "cannot make '\(path)': \(error)")
        }
    }

    private static func make(_ path: [UInt8]) throws(Errno) -> Bool {
        do {
            try System.withCString(path) { (path) throws(Errno) in
                _ = try System.check { mkdir(path, 0o755) }
            }
            return true
        } catch {
            if error == .fileExists { return false }
            throw error
        }
    }

    /// Makes the folders that lead to the object `name`, durable, such as `tags/M/<key id>`.
    static func makeFolders(of name: String, in storage: LocalStorage) throws(Errno) {
        var parent = ""
        for component in name.split(separator: "/").dropLast() {
            let folder = parent.isEmpty ? String(component) : parent + "/" + component
            if try make(storage.path(folder)) { try syncFolder(parent, in: storage) }
            parent = folder
        }
    }

    /// The folder of an object, without a trailing `/`; empty for the root.
    static func folder(of name: String) -> String {
        guard let slash = name.lastIndex(of: "/") else { return "" }
        return String(name[..<slash])
    }

    /// Makes the names in a folder durable.
    static func syncFolder(_ folder: String, in storage: LocalStorage) throws(Errno) {
        let directory = try System.open(storage.path(folder), flags: O_RDONLY | O_DIRECTORY)
        try System.check { fsync(directory.number) }
    }
}
