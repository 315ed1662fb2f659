internal import Glibc
internal import SystemPackage

/// Handles the database files of the cache, each of which may be damaged or lost.
enum CacheFile {
    /// How long one connection waits for the others.
    ///
    /// SQLite does not queue them, so on a busy machine one may lose often.
    private static let busyMilliseconds: Int32 = 30_000

    /// Makes the file and its folder where they are absent.
    static func make(_ path: FilePath) throws(RekkordError) {
        let folder = path.removingLastComponent()
        do throws(Errno) {
            try System.makeFolders(folder, mode: 0o700)
            // SQLite makes its files 0644; what is in them tells names of files that others may not see.
            _ = try System.open(path.bytes, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        } catch {
            throw RekkordError(.system, "cannot use cache '\(folder.printed)': \(error)")
        }
    }

    /// What a database holds.
    struct Schema {
        /// Kept in the database; another one makes it anew.
        let version: Int
        /// Each makes one table.
        let statements: [String]

        /// - Parameter text: `CREATE TABLE` statements, each ended by `;`.
        init(version: Int, _ text: String) {
            self.version = version
            statements = text.split(separator: ";").map { String($0.drop(while: \.isWhitespace)) }.filter {
                !$0.isEmpty
            }
        }
    }

    /// Opens a connection to a database with this schema, emptying one with another version.
    ///
    /// - Throws: Damage where there is more in it than belongs there, such as triggers.
    static func open(_ path: FilePath, _ schema: Schema) throws(SQLite.Failure) -> SQLite {
        let connection = try connect(path)
        if try connection.version() != schema.version {
            try connection.transaction { () throws(SQLite.Failure) in
                // Asked again: another process may have been faster.
                if try connection.version() == schema.version { return }
                for table in try connection.tables() { try connection.execute("DROP TABLE \(table)") }
                guard try connection.schema().isEmpty else { throw notOurs }
                for statement in schema.statements { try connection.execute(statement) }
                try connection.execute("PRAGMA user_version = \(schema.version)")
            }
        }
        guard try connection.schema() == schema.statements else { throw notOurs }
        return connection
    }

    private static let notOurs = SQLite.Failure.damage("it holds what does not belong there")

    /// Opens a further connection.
    static func connect(_ path: FilePath) throws(SQLite.Failure) -> SQLite {
        // Links on the way to the folder are the user's; the file itself is not to be one.
        let connection = try SQLite(withResolvedFolder(path), busyMilliseconds: busyMilliseconds)
        // With a write-ahead log readers do not wait for writers, and a crash of the machine loses the latest
        // transactions but harms nothing, which is what a cache may do.
        try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        return connection
    }

    private static func withResolvedFolder(_ path: FilePath) -> FilePath {
        let folder = path.removingLastComponent()
        guard let name = path.lastComponent,
            let resolved = (folder.isEmpty ? "." : folder).withPlatformString({ realpath($0, nil) })
        else { return path }
        defer { free(resolved) }
        return FilePath(platformString: resolved).appending(name)
    }

    /// Words a failure.
    static func error(_ path: FilePath, _ failure: SQLite.Failure) -> RekkordError {
        RekkordError(.system, "cannot use cache '\(path.printed)': \(failure.reason)")
    }

    /// Takes a damaged file out of the way, for somebody to look at; returns the words of the warning.
    static func setAside(_ path: FilePath) -> String {
        let other = FilePath(bytes: path.bytes + Array(".damaged".utf8))
        let isMoved = path.withPlatformString { from in other.withPlatformString { rename(from, $0) } } == 0
        for suffix in ["-wal", "-shm", "-journal"] {
            _ = FilePath(bytes: path.bytes + Array(suffix.utf8)).withPlatformString { unlink($0) }
        }
        let outcome = isMoved ? "set aside as '\(other.printed)'" : "it cannot be set aside"
        return "cannot use cache '\(path.printed)': database is damaged, \(outcome)"
    }
}
