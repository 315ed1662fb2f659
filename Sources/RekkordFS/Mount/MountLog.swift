import Core
import Glibc

/// Tells what happens in a mount: on stderr at first and in the foreground, else in a file or in syslog.
final class MountLog: Sendable {
    /// Where lines go.
    enum Target: Sendable {
        case standardError
        case syslog
        case file(Descriptor)
    }

    /// The same failure of the same object is told again only after so long.
    private static let program = "rekkord: "
    private static let repeatMilliseconds: Int64 = 60_000
    private static let maxRememberedCount = 1000

    private struct State {
        var target = Target.standardError
        var told: [String: Int64] = [:]
    }

    private let state = Locked(State())

    /// Sends lines elsewhere from now on.
    func redirect(to target: Target) {
        state.withLock { $0.target = target }
    }

    /// Tells something that is no fault.
    func note(_ line: String) {
        write(line, priority: LOG_INFO)
    }

    /// Tells of something that the user may want to know.
    func warning(_ line: String) {
        write("\(Self.program)warning: \(line)", priority: LOG_WARNING)
    }

    /// Tells of something that may come again and again, once in a while.
    func warningOnce(_ line: String) {
        if isDue(line) { warning(line) }
    }

    /// Tells of a failure, once in a while.
    func failure(_ error: RekkordError) {
        if isDue(error.message) { self.error(error) }
    }

    /// Tells of a failure each time.
    func error(_ error: RekkordError) {
        write("\(Self.program)error: \(error.message)", priority: LOG_ERR)
    }

    private func isDue(_ line: String) -> Bool {
        let now = MonotonicTime.milliseconds()
        return state.withLock { state in
            if let last = state.told[line], now - last < Self.repeatMilliseconds { return false }
            if state.told.count >= Self.maxRememberedCount { state.told.removeAll() }
            state.told[line] = now
            return true
        }
    }

    private func write(_ line: String, priority: Int32) {
        switch state.withLock({ $0.target }) {
        case .standardError:
            put("\(line)\n", to: STDERR_FILENO)
        case .syslog:
            // The system log names the program itself.
            System.log(String(line.trimmingPrefix(Self.program)), priority: priority)
        case .file(let descriptor):
            put("\(CalendarTime.utc(.now())) \(line)\n", to: descriptor.number)
        }
    }

    /// One call, so that lines of several threads stay whole.
    private func put(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }
}
