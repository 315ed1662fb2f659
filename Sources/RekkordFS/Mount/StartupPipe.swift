import Core
import Glibc
import SystemPackage

/// Tells the process in the foreground how its background process started.
struct StartupPipe: Sendable {
    private let descriptor: Descriptor

    /// Where the process goes on.
    enum Side {
        /// The background process, which will `report`.
        case child(StartupPipe)
        /// The foreground process, which ends with this status.
        case parent(status: Int32)
    }

    /// Splits the process in two; only while it has one thread.
    ///
    /// The parent waits for the report.
    static func fork() throws(RekkordError) -> Side {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw failure(errno) }
        let (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child: Int32?
        do {
            child = try System.fork()
        } catch {
            throw failure(error.rawValue)
        }
        guard let child else {
            close(reading)
            return .child(StartupPipe(descriptor: Descriptor(owning: writing)))
        }
        // Only the child may hold this end, or its death would not be noticed.
        close(writing)
        return .parent(status: try wait(for: child, reading))
    }

    /// Ends the wait of the parent, once.
    func report(status: Int32) {
        var byte = UInt8(truncatingIfNeeded: status)
        _ = write(descriptor.number, &byte, 1)
    }

    /// The status that the child reports or ends with.
    ///
    /// - Throws: `.system` when a signal ended it, which it could not tell itself.
    private static func wait(for child: Int32, _ reading: Int32) throws(RekkordError) -> Int32 {
        var byte: UInt8 = 0
        while true {
            let count = read(reading, &byte, 1)
            if count == 1 { return Int32(byte) }
            if count == 0 || errno != EINTR { break }
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        let signal = status & 0x7f
        guard signal == 0 else {
            let reason = "the process was killed by signal \(signal)"
            throw RekkordError(.system, "cannot start in the background: \(reason)")
        }
        return (status >> 8) & 0xff
    }

    private static func failure(_ error: Int32) -> RekkordError {
        RekkordError(.system, "cannot start in the background: \(String(cString: strerror(error)))")
    }
}
