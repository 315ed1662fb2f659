import Glibc
internal import SystemPackage

/// Keeps objects as files: `objects.CACHEID/M3F/NAME`, one file each, found by name and nothing else.
///
/// Whatever lies there may have been put there by anybody: links are not followed, odd files not opened, and nobody
/// may believe what `read` returns before it was verified. The time of a file tells when it was last of use.
struct ObjectFolder: Sendable {
    /// One file that is kept.
    struct Age: Sendable {
        let nanoseconds: Int64
        let byteCount: Int
    }

    private static let prefix = "objects."
    private static let letters = [UInt8(ascii: "M"), UInt8(ascii: "D")]
    private static let temporaryPrefix = "tmp-"
    /// A temporary file that is older was left by a process that died.
    private static let staleAfterSeconds: Int64 = 3600
    private static let page = 4096

    private let parent: FilePath
    private let root: [UInt8]
    /// How old the time of a file may be before a use renews it.
    let renewAfterSeconds: Int64

    /// Names the place; nothing is opened or made.
    init(_ parent: FilePath, cacheID: [UInt8], renewAfterSeconds: Int64 = 3600) {
        self.parent = parent
        self.renewAfterSeconds = renewAfterSeconds
        root = parent.bytes + Array("/\(Self.prefix)\(Hexadecimal.encode(cacheID))".utf8)
    }

    /// The disk space that a file takes.
    static func space(_ byteCount: Int) -> Int { (byteCount + page - 1) / page * page }

    // MARK: One object

    /// The bytes that are kept under a name; nil when there are none, or what is there cannot be an object.
    func read(_ id: ObjectID, _ kind: CachedKind, limit: Int) -> ByteBuffer? {
        guard let shard = try? open(shard: Self.shard(id, kind)) else { return nil }
        let name = Self.name(id)
        do throws(Errno) {
            // Opening must not wait for the writer of a pipe.
            let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            let file = try System.open(name, in: shard.number, flags: flags)
            let status = try System.status(of: file.number)
            guard status.type == .regular, status.size > 0, status.size <= UInt64(limit) else {
                remove(id, kind)
                return nil
            }
            renew(file, status)
            return try ByteBuffer(receiving: Int(status.size), isAgain: false) { (target) throws(Errno) in
                try System.fill(target, from: file.number)
            }
        } catch {
            if error == .tooManySymbolicLinkLevels { remove(id, kind) }
            return nil
        }
    }

    private func renew(_ file: Descriptor, _ status: FileStatus) {
        let age = FileStatus.Time.now().seconds - status.modification.seconds
        if age >= renewAfterSeconds || age < 0 { _ = futimens(file.number, nil) }
    }

    /// Keeps an object; there is a whole file under its name afterwards, or what was there before.
    func write(_ id: ObjectID, _ kind: CachedKind, _ object: ByteBuffer) throws(Errno) {
        let shard = try make(shard: Self.shard(id, kind))
        let temporary = Array("\(Self.temporaryPrefix)\(UInt64.random(in: 0 ... .max))".utf8)
        do throws(Errno) {
            // Closed before it is renamed: some file systems tell only then that the disk is full.
            try Self.writeFile(temporary, in: shard, object)
            try System.rename(temporary, in: shard.number, to: Self.name(id), in: shard.number)
        } catch {
            Self.unlink(temporary, in: shard)
            // Somebody put a folder there; this object is not kept, others can be.
            if error == .isDirectory { return }
            throw error
        }
    }

    private static func writeFile(
        _ name: [UInt8],
        in shard: Descriptor,
        _ object: ByteBuffer
    ) throws(Errno) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let file = try System.open(name, in: shard.number, flags: flags, mode: 0o600)
        try object.withBytes { (bytes) throws(Errno) in
            var written = 0
            while written < bytes.count {
                written += try System.check {
                    Glibc.write(
                        file.number,
                        bytes.baseAddress.unsafelyUnwrapped + written,
                        bytes.count - written
                    )
                }
            }
        }
    }

    /// Forgets an object.
    func remove(_ id: ObjectID, _ kind: CachedKind) {
        guard let shard = try? open(shard: Self.shard(id, kind)) else { return }
        Self.unlink(Self.name(id), in: shard)
    }

    // MARK: All objects

    /// Looks at everything that is kept of one kind; removes what processes left behind that died.
    func ages(of kind: CachedKind) -> [Age] {
        var ages: [Age] = []
        let staleBefore = FileStatus.Time.now().seconds - Self.staleAfterSeconds
        forEachFile(kind) { shard, entry in
            if Self.isTemporary(entry.name), entry.modification.seconds < staleBefore {
                Self.unlink(entry.name, in: shard)
            } else {
                ages.append(Age(nanoseconds: entry.nanoseconds, byteCount: Self.space(entry.byteCount)))
            }
            return true
        }
        return ages
    }

    /// Removes what was unused for longest until so many bytes are free; returns how many files went.
    ///
    /// - Parameter ages: Of all files, as found a moment ago.
    func removeOldest(of kind: CachedKind, byteCount: Int, _ ages: [Age]) -> (count: Int, byteCount: Int) {
        var rest = byteCount
        var newest = Int64.min
        for age in ages.sorted(by: { $0.nanoseconds < $1.nanoseconds }) where rest > 0 {
            rest -= age.byteCount
            newest = age.nanoseconds
        }
        var removed = (count: 0, byteCount: 0)
        forEachFile(kind) { shard, entry in
            guard entry.nanoseconds <= newest, !Self.isTemporary(entry.name) else { return true }
            if Self.unlink(entry.name, in: shard) {
                removed.count += 1
                removed.byteCount += Self.space(entry.byteCount)
            }
            return removed.byteCount < byteCount
        }
        return removed
    }

    /// Calls `body` while no other process does the same; nil when one does.
    func whileAlone<Result>(_ body: () -> Result) -> Result? {
        guard let folder = try? System.open(root, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            flock(folder.number, LOCK_EX | LOCK_NB) == 0
        else { return nil }
        return body()
    }

    /// Calls `body` with each regular file until it returns false.
    private func forEachFile(_ kind: CachedKind, _ body: (Descriptor, FolderListing.Entry) -> Bool) {
        for name in Self.shards(kind) {
            guard let shard = try? open(shard: name, readable: true),
                let entries = try? FolderListing.read(shard)
            else { continue }
            for entry in entries where entry.type == .regular {
                guard body(shard, entry) else { return }
            }
        }
    }

    /// Removes the objects of other cache IDs.
    func removeOthers() {
        let own = root.suffix(from: parent.bytes.count + 1)
        for entry in Self.roots(in: parent) where !entry.elementsEqual(own) {
            try? Self.removeTree(parent.bytes + [UInt8(ascii: "/")] + entry)
        }
    }

    /// Removes all objects of all cache IDs below `parent`.
    static func removeAll(in parent: FilePath) throws(Errno) {
        for entry in roots(in: parent) { try removeTree(parent.bytes + [UInt8(ascii: "/")] + entry) }
    }

    private static func roots(in parent: FilePath) -> [[UInt8]] {
        let entries = (try? FolderListing.read(parent.bytes)) ?? []
        return entries.filter { $0.type == .directory && $0.name.starts(with: prefix.utf8) }.map(\.name)
    }

    /// Removes files and folders two levels deep, which is all that is ever made.
    private static func removeTree(_ path: [UInt8]) throws(Errno) {
        let root = try System.open(path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        for entry in try FolderListing.read(root) {
            if entry.type == .directory {
                let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                let shard = try System.open(entry.name, in: root.number, flags: flags)
                for file in try FolderListing.read(shard) { unlink(file.name, in: shard) }
            }
            unlink(entry.name, in: root, isFolder: entry.type == .directory)
        }
        do throws(Errno) {
            try System.withCString(path) { (path) throws(Errno) in _ = try System.check { rmdir(path) } }
        } catch {
            // A running mount may put something in at the same time.
            if error.rawValue != ENOTEMPTY, error != .noSuchFileOrDirectory { throw error }
        }
    }

    // MARK: Names

    private static func name(_ id: ObjectID) -> [UInt8] { Array(id.description.utf8) }

    /// The letter of the kind and the first two digits of the name.
    private static func shard(_ id: ObjectID, _ kind: CachedKind) -> [UInt8] {
        [letters[kind.rawValue]] + id.description.utf8.dropFirst().prefix(2)
    }

    private static func shards(_ kind: CachedKind) -> [[UInt8]] {
        (0...UInt8.max).map { [letters[kind.rawValue]] + Hexadecimal.encode([$0]).utf8 }
    }

    private static func isTemporary(_ name: [UInt8]) -> Bool { name.starts(with: temporaryPrefix.utf8) }

    @discardableResult
    private static func unlink(_ name: [UInt8], in folder: Descriptor, isFolder: Bool = false) -> Bool {
        System.withCString(name) { unlinkat(folder.number, $0, isFolder ? Int32(AT_REMOVEDIR) : 0) } == 0
    }

    private func open(shard: [UInt8], readable: Bool = false) throws(Errno) -> Descriptor {
        let root = try System.open(root, flags: O_DIRECTORY | O_NOFOLLOW | System.pathOnly)
        let flags = O_DIRECTORY | O_NOFOLLOW | (readable ? O_RDONLY : System.pathOnly)
        return try System.open(shard, in: root.number, flags: flags)
    }

    /// Opens the folder of a shard, making what is absent on the way.
    private func make(shard: [UInt8]) throws(Errno) -> Descriptor {
        do throws(Errno) {
            return try open(shard: shard)
        } catch .noSuchFileOrDirectory {
            try System.makeFolders(FilePath(bytes: root), mode: 0o700)
        } catch .notDirectory {
            // A file or a link in the place of a folder is nothing of ours.
            try removeFile(shard)
        }
        let root = try System.open(root, flags: O_DIRECTORY | O_NOFOLLOW | System.pathOnly)
        do throws(Errno) {
            try System.withCString(shard) { (name) throws(Errno) in
                _ = try System.check { mkdirat(root.number, name, 0o700) }
            }
        } catch {
            if error != .fileExists { throw error }
        }
        return try open(shard: shard)
    }

    private func removeFile(_ name: [UInt8]) throws(Errno) {
        let root = try System.open(root, flags: O_DIRECTORY | O_NOFOLLOW | System.pathOnly)
        Self.unlink(name, in: root)
    }
}

extension FolderListing.Entry {
    fileprivate var nanoseconds: Int64 {
        let (product, overflow) = modification.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product &+ Int64(modification.nanoseconds)
    }
}
