internal import CSQLite
internal import Glibc
import SystemPackage

/// One connection to an SQLite database, whose file is hostile input: others may have written it.
///
/// Not for two threads at once: the owner keeps it in a `Locked`.
final class SQLite {
    /// What SQLite reports.
    struct Failure: Error {
        let code: Int32
        /// SQLite's own words, such as `database is locked`.
        let reason: String

        /// Whether the file is no database, or a broken one.
        var isDamage: Bool {
            let primary = code & 0xff
            return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB
        }

        /// A database that SQLite accepts, and we do not.
        static func damage(_ reason: String) -> Failure { Failure(code: SQLITE_CORRUPT, reason: reason) }
    }

    private let handle: OpaquePointer

    /// Opens the file, making it if it is absent; waits up to `busyMilliseconds` for other processes.
    ///
    /// - Source: C: `sqlite3_open_v2`.
    init(_ path: FilePath, busyMilliseconds: Int32) throws(Failure) {
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
            | SQLITE_OPEN_NOFOLLOW
        let code = path.withPlatformString { sqlite3_open_v2($0, &opened, flags, SQLiteFiles.name) }
        guard code == SQLITE_OK, let opened else {
            let reason = String(cString: sqlite3_errstr(code))
            sqlite3_close_v2(opened)
            throw Failure(code: code, reason: reason)
        }
        handle = opened
        rk_sqlite_harden(opened)
        sqlite3_busy_timeout(opened, busyMilliseconds)
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    /// Runs statements that need no values and whose rows do not matter.
    func execute(_ text: String) throws(Failure) {
        try check(sqlite3_exec(handle, text, nil, nil, nil))
    }

    /// Runs `body` in a transaction, which keeps other writers out; undoes it when it fails.
    func transaction(_ body: () throws(Failure) -> Void) throws(Failure) {
        try execute("BEGIN IMMEDIATE")
        do throws(Failure) {
            try body()
            try execute("COMMIT")
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    /// The number that the owner gave to the schema; 0 in a new file.
    func version() throws(Failure) -> Int {
        let statement = try prepare("PRAGMA user_version")
        return try statement.step() ? Int(statement.integer(0)) : 0
    }

    /// The names of all tables, each as a quoted identifier.
    func tables() throws(Failure) -> [String] {
        try texts(
            "SELECT '\"' || replace(name, '\"', '\"\"') || '\"' FROM sqlite_schema WHERE type = 'table'"
        )
    }

    /// The statements that made all that is in the database, in the order of their making.
    func schema() throws(Failure) -> [String] {
        try texts("SELECT sql FROM sqlite_schema ORDER BY rowid")
    }

    private func texts(_ query: String) throws(Failure) -> [String] {
        let statement = try prepare(query)
        var texts: [String] = []
        while try statement.step() { texts.append(String(decoding: statement.bytes(0), as: UTF8.self)) }
        return texts
    }

    /// Compiles one statement, which must not outlive the connection.
    func prepare(_ text: String) throws(Failure) -> Statement {
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement else { throw Failure(code: SQLITE_MISUSE, reason: "empty statement") }
        return Statement(statement, of: self)
    }

    fileprivate func check(_ code: Int32) throws(Failure) {
        guard code == SQLITE_OK else { throw failure(code) }
    }

    fileprivate func failure(_ code: Int32) -> Failure {
        Failure(code: code, reason: String(cString: sqlite3_errmsg(handle)))
    }

    /// A compiled statement with its values.
    final class Statement {
        private let statement: OpaquePointer
        private let connection: SQLite

        fileprivate init(_ statement: OpaquePointer, of connection: SQLite) {
            self.statement = statement
            self.connection = connection
        }

        deinit {
            sqlite3_finalize(statement)
        }

        /// Sets the value at `index`, which counts from 1.
        func bind(_ value: Int64, at index: Int32) throws(Failure) {
            try connection.check(sqlite3_bind_int64(statement, index, value))
        }

        /// Sets the value at `index`, which counts from 1, to a copy of `bytes`.
        func bind(_ bytes: [UInt8], at index: Int32) throws(Failure) {
            let code = bytes.withUnsafeBytes { buffer in
                // An empty array may have no address, which SQLite would take for NULL.
                buffer.isEmpty
                    ? sqlite3_bind_zeroblob(statement, index, 0)
                    : sqlite3_bind_blob64(
                        statement,
                        index,
                        buffer.baseAddress,
                        UInt64(buffer.count),
                        rk_sqlite_transient()
                    )
            }
            try connection.check(code)
        }

        /// Goes to the next row; false when there is none.
        func step() throws(Failure) -> Bool {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: return true
            case SQLITE_DONE: return false
            case let code: throw connection.failure(code)
            }
        }

        /// Runs a statement without rows, and makes it ready for other values.
        func run() throws(Failure) {
            defer { reset() }
            _ = try step()
        }

        /// Makes the statement ready to run again.
        func reset() {
            sqlite3_reset(statement)
        }

        /// The number in a column of the current row; columns count from 0.
        func integer(_ column: Int32) -> Int64 {
            sqlite3_column_int64(statement, column)
        }

        /// A copy of the bytes in a column of the current row; columns count from 0.
        func bytes(_ column: Int32) -> [UInt8] {
            let count = Int(sqlite3_column_bytes(statement, column))
            guard count > 0, let base = sqlite3_column_blob(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: base, count: count))
        }
    }
}

/// Gives SQLite access to files by way of the usual functions, but for one thing: a journal that somebody planted beside
/// a database can name any file as its super-journal, which SQLite would read, and then delete.
///
/// We never make transactions over several databases, so whatever names one is no journal of ours.
private enum SQLiteFiles {
    /// The name under which SQLite knows these functions.
    static let name: String = {
        // Registered once and for ever; SQLite keeps the pointer.
        let functions = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        guard let usual = sqlite3_vfs_find("unix") else { fatalError("SQLite knows no files") }
        functions.initialize(to: usual.pointee)
        functions.pointee.zName = UnsafePointer(strdup("rekkord"))
        functions.pointee.pNext = nil
        functions.pointee.xOpen = { functions, path, file, flags, outFlags in
            if flags & SQLITE_OPEN_SUPER_JOURNAL != 0 { return SQLITE_CORRUPT }
            guard let usual = sqlite3_vfs_find("unix") else { return SQLITE_CANTOPEN }
            return usual.pointee.xOpen(usual, path, file, flags, outFlags)
        }
        functions.pointee.xDelete = { functions, path, isSynced in
            guard let path, let usual = sqlite3_vfs_find("unix") else { return SQLITE_IOERR }
            let isOurs = ["-journal", "-wal"].contains { suffix in
                let start = strlen(path) - suffix.utf8.count
                return start > 0 && strcmp(path + start, suffix) == 0
            }
            return isOurs ? usual.pointee.xDelete(usual, path, isSynced) : SQLITE_CORRUPT
        }
        sqlite3_vfs_register(functions, 0)
        return "rekkord"
    }()
}
