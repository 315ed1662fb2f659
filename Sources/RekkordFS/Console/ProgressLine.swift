import Core
import Glibc

/// Shows how far a command is: a line on the terminal that is replaced, or with `-v` a plain line now and then.
///
/// Workers never wait for it: an update that comes too early or meets another one is skipped.
/// - Source: rekkord(1).
final class ProgressLine: Sendable {
    /// How much was done, in bytes.
    struct Amount: Sendable {
        /// What is done.
        var done: Int64
        /// All that there is to do, when it is known.
        var total: Int64?
        /// How many entries were met, where that is of interest.
        var entries: Int?
    }

    private struct State {
        var nextUpdate: Double
        var start: Double
    }

    private static let terminalInterval = 0.2
    private static let plainInterval = 10.0

    private let console: Console
    private let verb: String
    private let isEnabled: Bool
    private let interval: Double
    private let clock: @Sendable () -> Double
    private let state: Locked<State>

    /// Starts the clock.
    ///
    /// - Parameters:
    ///   - verb: What is done, such as `Saving`.
    ///   - isVerbose: Whether plain lines are wanted where there is no terminal.
    init(
        _ console: Console,
        verb: String,
        isVerbose: Bool,
        clock: @escaping @Sendable () -> Double = ProgressLine.monotonicSeconds
    ) {
        self.console = console
        self.verb = verb
        self.clock = clock
        isEnabled = console.isTerminal || isVerbose
        interval = console.isTerminal ? Self.terminalInterval : Self.plainInterval
        let now = clock()
        state = Locked(State(nextUpdate: now + interval, start: now))
    }

    /// Starts the clock again, for the next piece of work.
    func restart() {
        let now = clock()
        state.withLock { $0.start = now }
    }

    /// Shows a new amount, unless it is too early.
    ///
    /// - Parameter amount: Asked only when it will be shown.
    func update(_ amount: () -> Amount) {
        guard isEnabled else { return }
        let now = clock()
        let start: Double?? = state.withLockIfFree { state in
            guard now >= state.nextUpdate else { return nil }
            state.nextUpdate = now + interval
            return state.start
        }
        guard let start = start ?? nil else { return }
        let line = Self.text(verb, amount(), seconds: now - start)
        if console.isTerminal {
            console.showProgress(String(line.prefix(console.columnCount - 1)))
        } else {
            console.note(line)
        }
    }

    /// Removes the line from the terminal.
    func finish() {
        if isEnabled { console.clearProgress() }
    }

    /// `Saving: 81234 entries, 1.200 GB of 2.407 GB, 54.75 MB/s, 23s left`.
    static func text(_ verb: String, _ amount: Amount, seconds: Double) -> String {
        var line = "\(verb): "
        if let entries = amount.entries { line += "\(entries) \(entries == 1 ? "entry" : "entries"), " }
        line += HumanText.size(amount.done)
        if let total = amount.total { line += " of \(HumanText.size(total))" }
        guard seconds > 0 else { return line }
        let rate = Double(amount.done) / seconds
        line += ", \(HumanText.size(Int64(rate)))/s"
        if let total = amount.total, rate > 0, total >= amount.done {
            line += ", \(HumanText.remaining(seconds: Double(total - amount.done) / rate)) left"
        }
        return line
    }

    private static func monotonicSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
