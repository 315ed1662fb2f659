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

    /// Opens a connection.
    static func connect(_ path: FilePath) throws(SQLite.Failure) -> SQLite {
        let connection = try SQLite(path, busyMilliseconds: busyMilliseconds)
        // With a write-ahead log readers do not wait for writers, and a crash of the machine loses the latest
        // transactions but harms nothing, which is what a cache may do.
        try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        return connection
    }

    /// Words a failure.
    static func error(_ path: FilePath, _ failure: SQLite.Failure) -> RekkordError {
        RekkordError(.system, "cannot use cache '\(path.printed)': \(failure.reason)")
    }

    /// Takes a damaged file out of the way, for somebody to look at; returns the words of the warning.
    static func setAside(_ path: FilePath) -> String {
        let other = FilePath(bytes: path.bytes + Array(".damaged".utf8))
        let isMoved = path.withPlatformString { from in other.withPlatformString { rename(from, $0) } } == 0
        for suffix in ["-wal", "-shm"] {
            _ = FilePath(bytes: path.bytes + Array(suffix.utf8)).withPlatformString { unlink($0) }
        }
        let outcome = isMoved ? "set aside as '\(other.printed)'" : "it cannot be set aside"
        return "cannot use cache '\(path.printed)': database is damaged, \(outcome)"
    }
}
