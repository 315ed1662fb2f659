import Core
import Glibc
import SystemPackage

/// Prints results on standard output and everything else on standard error.
///
/// Safe to use from any thread. A progress line on the terminal makes way for every message.
/// - Source: rekkord(1).
final class Console: Sendable {
    /// What a message is; the word that leads it.
    private enum Level: String {
        case error, hint, warning

        /// The SGR code that colours the word on a terminal.
        var color: Int {
            switch self {
            case .error: 31
            case .hint: 36
            case .warning: 33
            }
        }
    }

    private struct State {
        /// Results that were not written yet.
        var output: [UInt8] = []
        /// Why results were lost.
        var outputError: Int32?
        /// Whether the last line on the terminal is a progress line.
        var showsProgress = false
    }

    /// The streams of this process.
    static let standard = Console(environment: .current())

    private static let outputCapacity = 1 << 16

    /// Whether standard error is a terminal, which may show progress.
    let isTerminal: Bool
    private let usesColor: Bool
    private let state = Locked(State())

    /// Looks at the standard streams.
    init(environment: ProcessEnvironment) {
        isTerminal = isatty(STDERR_FILENO) == 1
        let isPlain = environment.bytes("NO_COLOR") != nil || environment.string("TERM") == "dumb"
        usesColor = isTerminal && !isPlain
    }

    /// Whether a question can be asked: there is a terminal on standard input and standard error.
    var canPrompt: Bool { isTerminal && isatty(STDIN_FILENO) == 1 }

    /// Prints a failure: one line per cause, then the hint.
    func report(_ error: RekkordError) {
        for line in [error.message] + error.details { message(.error, line) }
        if let hint = error.hint { message(.hint, hint) }
    }

    /// Prints `rekkord: warning: …`.
    func warn(_ text: String) { message(.warning, text) }

    /// Prints `rekkord: hint: …`.
    func hint(_ text: String) { message(.hint, text) }

    /// Prints a plain line on standard error.
    func note(_ line: String) { writeError(line + "\n") }

    /// Prints a line on standard output; `finish` tells whether all of it arrived.
    func print(_ line: String = "") { write(line + "\n") }

    /// Prints text on standard output as it is.
    func write(_ text: String) {
        state.withLock { state in
            state.output.append(contentsOf: text.utf8)
            if state.output.count >= Self.outputCapacity { Self.flush(&state) }
        }
    }

    /// Hands results on that wait to be written, for others to read.
    func flush() {
        state.withLock { Self.flush(&$0) }
    }

    /// Writes what is left of the results.
    ///
    /// - Throws: `.system` when some were lost, such as on a full disk.
    func finish() throws(RekkordError) {
        state.withLock { state in
            Self.flush(&state)
            Self.clearProgress(&state)
        }
        try checkOutput()
    }

    /// Throws when results were lost, so that a long listing need not go on.
    func checkOutput() throws(RekkordError) {
        if let error = state.withLock({ $0.outputError }) {
            throw RekkordError(.system, "cannot write standard output: \(Errno(rawValue: error))")
        }
    }

    private func message(_ level: Level, _ text: String) {
        let word = usesColor ? "\u{1B}[1;\(level.color)m\(level.rawValue):\u{1B}[0m" : "\(level.rawValue):"
        writeError("rekkord: \(word) \(text)\n")
    }

    /// Writes text on standard error, after all results.
    func writeError(_ text: String) {
        state.withLock { state in
            // Keeps results and talk in order where both go to one place.
            Self.flush(&state)
            Self.clearProgress(&state)
            _ = Self.writeAll(Array(text.utf8), to: STDERR_FILENO)
        }
    }

    private static func flush(_ state: inout State) {
        if state.output.isEmpty { return }
        if state.outputError == nil { state.outputError = writeAll(state.output, to: STDOUT_FILENO) }
        state.output.removeAll(keepingCapacity: true)
    }

    /// Returns the errno of a failure.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            do {
                let count = try System.check {
                    rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                }
                rest = rest.dropFirst(count)
            } catch {
                return error.rawValue
            }
        }
        return nil
    }
}

extension Console {
    /// Shows `line` as the progress line in place of the one before; skipped when somebody else prints.
    func showProgress(_ line: String) {
        _ = state.withLockIfFree { state in
            let clear = state.showsProgress ? "\r\u{1B}[K" : ""
            state.showsProgress = true
            _ = Self.writeAll(Array((clear + line).utf8), to: STDERR_FILENO)
        }
    }

    /// Removes the progress line.
    func clearProgress() {
        state.withLock { Self.clearProgress(&$0) }
    }

    /// The width of the terminal in columns.
    var columnCount: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private static func clearProgress(_ state: inout State) {
        guard state.showsProgress else { return }
        state.showsProgress = false
        _ = writeAll(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO)
    }
}
