import Synchronization
public import SystemPackage

/// Remembers, between runs on this machine, which blobs are stored and what folders held when they were saved.
///
/// An SQLite file `cache.sqlite` in a folder per repository. It may be lost at any time, and several processes may
/// use it at once. Only what is durable in the repository may be put in. When it stops working, that costs one
/// warning: from then on it knows nothing and takes nothing.
public final class LocalCache: Sendable {
    /// Where the record of a folder is found: hashes the names on the way to it.
    ///
    /// A chain, so that a path of any depth costs one hash per level and no path is ever put together.
    struct FolderKey: Hashable, Sendable {
        private let hash: Hash32

        /// The key of `/`.
        static let root = FolderKey(hash: .zero)

        private init(hash: Hash32) {
            self.hash = hash
        }

        /// The key of a folder in this one.
        func appending(_ name: [UInt8]) -> FolderKey {
            hash.withBytes { key in
                name.withUnsafeBytes { FolderKey(hash: KeyedHash.hash($0, key: key)) }
            }
        }

        /// The key of a further part of the folder's record; no folder has it, since no name has a slash.
        fileprivate func part(_ number: Int) -> FolderKey {
            number == 0 ? self : appending(Array("/\(number)".utf8))
        }

        fileprivate var rowID: Int64 { Int64(bitPattern: hash.prefix64) }
        fileprivate var bytes: [UInt8] { hash.bytes }
    }

    /// The name of the database in the folder of a repository.
    public static let fileName = "cache.sqlite"

    private static let schema = CacheFile.Schema(
        version: 1,
        """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE folders (id INTEGER PRIMARY KEY, key BLOB NOT NULL, record BLOB NOT NULL);
        CREATE TABLE blobs (oid BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
        """
    )

    /// Answers lookups while the other connection is busy with a transaction.
    private struct Reader {
        let connection: SQLite
        let folder: SQLite.Statement
        let blob: SQLite.Statement

        init(_ path: FilePath) throws(SQLite.Failure) {
            connection = try CacheFile.connect(path)
            folder = try connection.prepare("SELECT key, record FROM folders WHERE id = ?")
            blob = try connection.prepare("SELECT size FROM blobs WHERE oid = ?")
        }
    }

    private struct Writer {
        let connection: SQLite
        let folder: SQLite.Statement
        let blob: SQLite.Statement

        init(_ connection: SQLite) throws(SQLite.Failure) {
            self.connection = connection
            folder = try connection.prepare("REPLACE INTO folders (id, key, record) VALUES (?, ?, ?)")
            blob = try connection.prepare("REPLACE INTO blobs (oid, size) VALUES (?, ?)")
        }
    }

    private let path: FilePath
    private let warn: @Sendable (String) -> Void
    private let isUsable = Atomic(true)
    private let reader: Locked<Reader>
    private let writer: Locked<Writer>

    /// The folder below `directory` for everything this machine keeps about one repository.
    public static func folder(in directory: FilePath, repositoryID: [UInt8], url: String) -> FilePath {
        let id = repositoryID.withUnsafeBytes { repository in
            Array(url.utf8).withUnsafeBytes { Sodium.blake2b(Hash32.byteCount, repository, $0) }
        }
        return directory.appending(Hexadecimal.encode(id).lowercased())
    }

    /// Opens the cache in `folder`, making what is absent, and empties it when `cacheID` is another than before.
    ///
    /// A damaged file is set aside with a warning and made anew.
    /// - Parameter warn: Gets at most one line when the cache must be given up later; called on any thread.
    /// - Throws: `.system` when there can be no cache.
    public init(
        folder: FilePath,
        cacheID: [UInt8],
        warn: @escaping @Sendable (String) -> Void
    ) throws(RekkordError) {
        path = folder.appending(Self.fileName)
        self.warn = warn
        try CacheFile.make(path)
        do throws(SQLite.Failure) {
            let connection: SQLite
            do throws(SQLite.Failure) {
                connection = try Self.prepare(path, cacheID)
            } catch  where error.isDamage {
                warn(CacheFile.setAside(path))
                connection = try Self.prepare(path, cacheID)
            }
            writer = Locked(try Writer(connection))
            reader = Locked(try Reader(path))
        } catch {
            throw CacheFile.error(path, error)
        }
    }

    /// The remembered record of a folder.
    func record(of folder: FolderKey) -> FolderRecord? {
        guard let first = part(folder) else { return nil }
        return try? FolderRecord(first) { [self] in part(folder.part($0)) }
    }

    private func part(_ key: FolderKey) -> [UInt8]? {
        let bytes = attempt { () throws(SQLite.Failure) -> [UInt8]? in
            try reader.withLock { (reader) throws(SQLite.Failure) -> [UInt8]? in
                defer { reader.folder.reset() }
                try reader.folder.bind(key.rowID, at: 1)
                guard try reader.folder.step(), reader.folder.bytes(0) == key.bytes else { return nil }
                return reader.folder.bytes(1)
            }
        }
        return bytes ?? nil
    }

    /// The encrypted size of a blob that is known to be stored; nil when nothing is known.
    func storedByteCount(of id: ObjectID) -> Int64? {
        let size = attempt { () throws(SQLite.Failure) -> Int64? in
            try reader.withLock { (reader) throws(SQLite.Failure) -> Int64? in
                defer { reader.blob.reset() }
                try reader.blob.bind(id.bytes, at: 1)
                return try reader.blob.step() ? reader.blob.integer(0) : nil
            }
        }
        return size ?? nil
    }

    /// A record to be kept, in its encoded form.
    struct NewRecord: Sendable {
        let folder: FolderKey
        /// At least one.
        let parts: [[UInt8]]

        var byteCount: Int { parts.reduce(0) { $0 + $1.count } }
    }

    /// A blob that is durable in the repository.
    struct StoredBlob: Sendable {
        let id: ObjectID
        /// Its encrypted size.
        let byteCount: Int64
    }

    /// Keeps blobs and records in one transaction; false when that failed.
    @discardableResult
    func remember(blobs: [StoredBlob], records: [NewRecord]) -> Bool {
        if blobs.isEmpty && records.isEmpty { return isUsable.load(ordering: .relaxed) }
        let done: Void? = attempt { () throws(SQLite.Failure) in
            try writer.withLock { (writer) throws(SQLite.Failure) in
                try writer.connection.transaction { () throws(SQLite.Failure) in
                    for blob in blobs {
                        try writer.blob.bind(blob.id.bytes, at: 1)
                        try writer.blob.bind(blob.byteCount, at: 2)
                        try writer.blob.run()
                    }
                    for record in records {
                        for (number, bytes) in record.parts.enumerated() {
                            let key = record.folder.part(number)
                            try writer.folder.bind(key.rowID, at: 1)
                            try writer.folder.bind(key.bytes, at: 2)
                            try writer.folder.bind(bytes, at: 3)
                            try writer.folder.run()
                        }
                    }
                }
            }
        }
        return done != nil
    }

    /// Whether the cache knew every blob of the repository when it was filled from a listing.
    var isExhaustive: Bool {
        let value = attempt { () throws(SQLite.Failure) in
            try writer.withLock { (writer) throws(SQLite.Failure) in
                let statement = try writer.connection.prepare(
                    "SELECT value FROM meta WHERE name = 'exhaustive'"
                )
                return try statement.step() && statement.integer(0) != 0
            }
        }
        return value ?? false
    }

    /// Notes that all blobs of the repository were put in.
    func markExhaustive() {
        attempt { () throws(SQLite.Failure) in
            try writer.withLock { (writer) throws(SQLite.Failure) in
                try writer.connection.execute("REPLACE INTO meta (name, value) VALUES ('exhaustive', 1)")
            }
        }
    }

    /// Forgets blobs and folders, and with `all` everything that was ever kept in the file.
    public func reset(all: Bool) throws(RekkordError) {
        do throws(SQLite.Failure) {
            try writer.withLock { (writer) throws(SQLite.Failure) in
                try writer.connection.transaction { () throws(SQLite.Failure) in
                    try Self.forget(writer.connection)
                    guard all else { return }
                    try writer.connection.execute("DELETE FROM meta WHERE name <> 'cid'")
                }
                try writer.connection.execute("VACUUM")
            }
        } catch {
            throw CacheFile.error(path, error)
        }
    }

    // MARK: - Opening

    /// Opens the database and brings it to the current schema and cache ID.
    private static func prepare(_ path: FilePath, _ cacheID: [UInt8]) throws(SQLite.Failure) -> SQLite {
        let connection = try CacheFile.open(path, schema)
        if try self.cacheID(connection) == cacheID { return connection }
        try connection.transaction { () throws(SQLite.Failure) in
            // Asked again: another process may have been faster.
            if try self.cacheID(connection) == cacheID { return }
            try forget(connection)
            let statement = try connection.prepare("REPLACE INTO meta (name, value) VALUES ('cid', ?)")
            try statement.bind(cacheID, at: 1)
            try statement.run()
        }
        return connection
    }

    private static func cacheID(_ connection: SQLite) throws(SQLite.Failure) -> [UInt8]? {
        let statement = try connection.prepare("SELECT value FROM meta WHERE name = 'cid'")
        return try statement.step() ? statement.bytes(0) : nil
    }

    private static func forget(_ connection: SQLite) throws(SQLite.Failure) {
        try connection.execute(
            "DELETE FROM folders; DELETE FROM blobs; DELETE FROM meta WHERE name = 'exhaustive';"
        )
    }

    // MARK: - Failures

    /// Runs `body` unless the cache was given up; gives it up, with one warning, when it fails.
    @discardableResult
    private func attempt<R>(_ body: () throws(SQLite.Failure) -> R) -> R? {
        guard isUsable.load(ordering: .relaxed) else { return nil }
        do throws(SQLite.Failure) {
            return try body()
        } catch {
            guard isUsable.exchange(false, ordering: .relaxed) else { return nil }
            warn(error.isDamage ? CacheFile.setAside(path) : CacheFile.error(path, error).message)
            return nil
        }
    }
}
