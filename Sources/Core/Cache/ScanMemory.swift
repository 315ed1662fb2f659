import Synchronization
public import SystemPackage

/// Remembers, between scans on this machine, which blobs were verified and until when objects are locked.
///
/// An SQLite file `scan.sqlite` beside the one of `LocalCache`, which a new cache ID does not empty: what was verified
/// stays verified. Changes are collected and committed in groups, so that a scan that is killed goes on where it was.
/// Several processes may use it at once. When it stops working, that costs one warning: from then on it knows nothing.
public final class ScanMemory: Sendable {
    /// The name of the database in the folder of a repository.
    public static let fileName = "scan.sqlite"

    /// A blob that was read and found good.
    struct VerifiedBlob: Sendable, Equatable {
        let id: ObjectID
        let type: BlobType
        let plaintextByteCount: Int
        let objectByteCount: Int
        let entityTag: String?
        let versionID: String?
        /// When it was read.
        let time: Timestamp
        /// Of this version; nil when nothing is known.
        var lock: ObjectLock?
    }

    private enum Change {
        case verified(VerifiedBlob)
        case damaged(ObjectID)
        case lockedBlob(ObjectID, ObjectLock)
        case lockedObject(String, version: String?, ObjectLock)
        case protected(ObjectID, Timestamp?)
    }

    private static let schema = CacheFile.Schema(
        version: 2,
        """
        CREATE TABLE blobs (
            oid BLOB PRIMARY KEY, type INTEGER NOT NULL, plaintext INTEGER NOT NULL, size INTEGER NOT NULL,
            etag BLOB NOT NULL, version BLOB NOT NULL, time INTEGER NOT NULL,
            mode INTEGER NOT NULL, until INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE objects (
            name BLOB PRIMARY KEY, version BLOB NOT NULL, mode INTEGER NOT NULL, until INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE snapshots (oid BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
        """
    )
    private static let columns = "oid, type, plaintext, size, etag, version, time, mode, until"
    /// Changes are committed when there are so many, or so old.
    private static let groupCount = 1024
    private static let groupMilliseconds: Int64 = 5_000

    private struct State {
        let connection: SQLite
        let blob: SQLite.Statement
        let newBlob: SQLite.Statement
        let noBlob: SQLite.Statement
        let blobLock: SQLite.Statement
        let object: SQLite.Statement
        let newObject: SQLite.Statement
        let newSnapshot: SQLite.Statement
        let noSnapshot: SQLite.Statement
        var changes: [Change] = []
        var lastCommit = MonotonicTime.milliseconds()

        init(_ connection: SQLite) throws(SQLite.Failure) {
            self.connection = connection
            blob = try connection.prepare("SELECT \(columns) FROM blobs WHERE oid = ?")
            newBlob = try connection.prepare(
                "REPLACE INTO blobs (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            )
            noBlob = try connection.prepare("DELETE FROM blobs WHERE oid = ?")
            blobLock = try connection.prepare("UPDATE blobs SET mode = ?, until = ? WHERE oid = ?")
            object = try connection.prepare("SELECT version, mode, until FROM objects WHERE name = ?")
            newObject = try connection.prepare(
                "REPLACE INTO objects (name, version, mode, until) VALUES (?, ?, ?, ?)"
            )
            newSnapshot = try connection.prepare("REPLACE INTO snapshots (oid, until) VALUES (?, ?)")
            noSnapshot = try connection.prepare("DELETE FROM snapshots WHERE oid = ?")
        }
    }

    private let path: FilePath
    private let warn: @Sendable (String) -> Void
    private let isUsable = Atomic(true)
    private let state: Locked<State>

    /// Opens the memory in the folder of a repository, making what is absent.
    ///
    /// A damaged file is set aside with a warning and made anew.
    /// - Parameter warn: Gets at most one line when the memory must be given up later; called on any thread.
    /// - Throws: `.system` when there can be no memory.
    public convenience init(folder: FilePath, warn: @escaping @Sendable (String) -> Void) throws(RekkordError)
    {
        let path = folder.appending(Self.fileName)
        try CacheFile.make(path)
        try self.init(path: path, warn: warn)
    }

    /// Opens a memory that nothing is left of when it is closed.
    public convenience init(warn: @escaping @Sendable (String) -> Void) throws(RekkordError) {
        // SQLite's name for a file of its own that nobody else sees.
        try self.init(path: FilePath(""), warn: warn)
    }

    private init(path: FilePath, warn: @escaping @Sendable (String) -> Void) throws(RekkordError) {
        self.path = path
        self.warn = warn
        do throws(SQLite.Failure) {
            let connection: SQLite
            do throws(SQLite.Failure) {
                connection = try CacheFile.open(path, Self.schema)
            } catch  where error.isDamage {
                warn(CacheFile.setAside(path))
                connection = try CacheFile.open(path, Self.schema)
            }
            state = Locked(try State(connection))
        } catch {
            throw CacheFile.error(path, error)
        }
    }

    /// Whether there is a memory in the folder of a repository.
    public static func exists(in folder: FilePath) -> Bool {
        (try? System.status(of: folder.appending(fileName).bytes, followLinks: false)) != nil
    }

    // MARK: - What is known

    /// Calls `body` with each blob that was verified.
    func forEachBlob(_ body: (VerifiedBlob) -> Void) {
        attempt { (state: inout State) throws(SQLite.Failure) in
            let rows = try state.connection.prepare("SELECT \(Self.columns) FROM blobs")
            while try rows.step() {
                if let blob = Self.blob(rows) { body(blob) }
            }
        }
    }

    /// What is known of a blob; nil when it was never found good.
    func blob(_ id: ObjectID) -> VerifiedBlob? {
        attempt { (state: inout State) throws(SQLite.Failure) -> VerifiedBlob? in
            defer { state.blob.reset() }
            try state.blob.bind(id.bytes, at: 1)
            return try state.blob.step() ? Self.blob(state.blob) : nil
        } ?? nil
    }

    /// The lock of an object that is no blob; nil when nothing is known.
    ///
    /// - Parameter versionID: Another version than this had another lock; nil when nobody knows which one is there.
    func lock(of name: String, versionID: String?) -> ObjectLock? {
        attempt { (state: inout State) throws(SQLite.Failure) -> ObjectLock? in
            defer { state.object.reset() }
            try state.object.bind(Array(name.utf8), at: 1)
            guard try state.object.step() else { return nil }
            if let versionID, Self.text(state.object.bytes(0)) != versionID { return nil }
            return Self.lock(state.object, mode: 1, until: 2)
        } ?? nil
    }

    /// Until when everything that a snapshot needs is locked, for those of which that is known.
    public func protectedSnapshots() -> [ObjectID: Timestamp] {
        attempt { (state: inout State) throws(SQLite.Failure) -> [ObjectID: Timestamp] in
            let rows = try state.connection.prepare("SELECT oid, until FROM snapshots")
            var ends: [ObjectID: Timestamp] = [:]
            while try rows.step() {
                if let id = Self.id(rows.bytes(0)) { ends[id] = Timestamp(milliseconds: rows.integer(1)) }
            }
            return ends
        } ?? [:]
    }

    private static func id(_ bytes: [UInt8]) -> ObjectID? {
        guard bytes.count == ObjectID.byteCount, let catalog = ObjectID.Catalog(rawValue: bytes[0]),
            let hash = Hash32(Array(bytes[1...]))
        else { return nil }
        return ObjectID(catalog, hash)
    }

    private static func blob(_ row: SQLite.Statement) -> VerifiedBlob? {
        guard let id = id(row.bytes(0)), let type = BlobType(rawValue: UInt8(clamping: row.integer(1))) else {
            return nil
        }
        return VerifiedBlob(
            id: id,
            type: type,
            plaintextByteCount: Int(row.integer(2)),
            objectByteCount: Int(row.integer(3)),
            entityTag: text(row.bytes(4)),
            versionID: text(row.bytes(5)),
            time: Timestamp(milliseconds: row.integer(6)),
            lock: lock(row, mode: 7, until: 8)
        )
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private static func lock(_ row: SQLite.Statement, mode: Int32, until: Int32) -> ObjectLock? {
        let end = Timestamp(milliseconds: row.integer(until))
        return switch row.integer(mode) {
        case 1: ObjectLock(mode: .governance, until: end)
        case 2: ObjectLock(mode: .compliance, until: end)
        default: nil
        }
    }

    private static func number(_ mode: S3Settings.RetainMode?) -> Int64 {
        switch mode {
        case .none: 0
        case .governance: 1
        case .compliance: 2
        }
    }

    // MARK: - What is new

    /// Keeps a blob that was found good.
    func remember(_ blob: VerifiedBlob) { add(.verified(blob)) }

    /// Drops a blob that was found bad.
    func forget(_ id: ObjectID) { add(.damaged(id)) }

    /// Keeps the lock of a blob that is remembered.
    func remember(_ lock: ObjectLock, of id: ObjectID) { add(.lockedBlob(id, lock)) }

    /// Keeps the lock of an object that is no blob.
    func remember(_ lock: ObjectLock, of name: String, versionID: String?) {
        add(.lockedObject(name, version: versionID, lock))
    }

    /// Keeps until when everything that a snapshot needs is locked; nil when that is not known.
    func remember(protectedUntil end: Timestamp?, _ snapshot: ObjectID) { add(.protected(snapshot, end)) }

    /// Commits what was collected.
    func commit() {
        attempt { (state: inout State) throws(SQLite.Failure) in try Self.commit(&state) }
    }

    /// Drops blobs that nobody has verified for a long time: most likely they are gone.
    func prune(before time: Timestamp) {
        attempt { (state: inout State) throws(SQLite.Failure) in
            let statement = try state.connection.prepare("DELETE FROM blobs WHERE time < ?")
            try statement.bind(time.milliseconds, at: 1)
            try statement.run()
        }
    }

    /// Forgets everything.
    public func reset() throws(RekkordError) {
        do throws(SQLite.Failure) {
            try state.withLock { (state) throws(SQLite.Failure) in
                state.changes = []
                try state.connection.transaction { () throws(SQLite.Failure) in
                    for table in try state.connection.tables() {
                        try state.connection.execute("DELETE FROM \(table)")
                    }
                }
                try state.connection.execute("VACUUM")
            }
        } catch {
            throw CacheFile.error(path, error)
        }
    }

    private func add(_ change: Change) {
        attempt { (state: inout State) throws(SQLite.Failure) in
            state.changes.append(change)
            let age = MonotonicTime.milliseconds() - state.lastCommit
            if state.changes.count >= Self.groupCount || age >= Self.groupMilliseconds {
                try Self.commit(&state)
            }
        }
    }

    private static func commit(_ state: inout State) throws(SQLite.Failure) {
        let changes = state.changes
        state.changes = []
        state.lastCommit = MonotonicTime.milliseconds()
        if changes.isEmpty { return }
        try state.connection.transaction { () throws(SQLite.Failure) in
            for change in changes { try apply(change, state) }
        }
    }

    private static func apply(_ change: Change, _ state: State) throws(SQLite.Failure) {
        switch change {
        case .verified(let blob):
            try state.newBlob.bind(blob.id.bytes, at: 1)
            try state.newBlob.bind(Int64(blob.type.rawValue), at: 2)
            try state.newBlob.bind(Int64(blob.plaintextByteCount), at: 3)
            try state.newBlob.bind(Int64(blob.objectByteCount), at: 4)
            try state.newBlob.bind(Array((blob.entityTag ?? "").utf8), at: 5)
            try state.newBlob.bind(Array((blob.versionID ?? "").utf8), at: 6)
            try state.newBlob.bind(blob.time.milliseconds, at: 7)
            try state.newBlob.bind(number(blob.lock?.mode), at: 8)
            try state.newBlob.bind(blob.lock?.until.milliseconds ?? 0, at: 9)
            try state.newBlob.run()
        case .damaged(let id):
            try state.noBlob.bind(id.bytes, at: 1)
            try state.noBlob.run()
        case .lockedBlob(let id, let lock):
            try state.blobLock.bind(number(lock.mode), at: 1)
            try state.blobLock.bind(lock.until.milliseconds, at: 2)
            try state.blobLock.bind(id.bytes, at: 3)
            try state.blobLock.run()
        case .lockedObject(let name, let version, let lock):
            try state.newObject.bind(Array(name.utf8), at: 1)
            try state.newObject.bind(Array((version ?? "").utf8), at: 2)
            try state.newObject.bind(number(lock.mode), at: 3)
            try state.newObject.bind(lock.until.milliseconds, at: 4)
            try state.newObject.run()
        case .protected(let id, .some(let end)):
            try state.newSnapshot.bind(id.bytes, at: 1)
            try state.newSnapshot.bind(end.milliseconds, at: 2)
            try state.newSnapshot.run()
        case .protected(let id, .none):
            try state.noSnapshot.bind(id.bytes, at: 1)
            try state.noSnapshot.run()
        }
    }

    /// Runs `body` unless the memory was given up; gives it up, with one warning, when it fails.
    @discardableResult
    private func attempt<R>(_ body: (inout State) throws(SQLite.Failure) -> R) -> R? {
        guard isUsable.load(ordering: .relaxed) else { return nil }
        do throws(SQLite.Failure) {
            return try state.withLock { (state) throws(SQLite.Failure) in try body(&state) }
        } catch {
            guard isUsable.exchange(false, ordering: .relaxed) else { return nil }
            warn(error.isDamage ? CacheFile.setAside(path) : CacheFile.error(path, error).message)
            return nil
        }
    }
}
