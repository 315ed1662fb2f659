import Core

/// Shows the progress of a command, on a thread of its own so that no worker waits for a terminal.
final class ProgressTicker {
    private static let intervalMilliseconds = 200

    private let end = BoundedQueue<Bool>(capacity: 1)
    private let thread: WorkerThread?
    private let line: ProgressLine

    /// Starts to show how much is done, where somebody wants to see it.
    ///
    /// - Parameters:
    ///   - verb: What is done, such as `Saving`.
    ///   - amount: Tells how much is done; called on another thread.
    init(
        _ verb: String,
        _ context: CommandContext,
        amount: @escaping @Sendable () -> ProgressLine.Amount
    ) throws(RekkordError) {
        let isVerbose = context.verbosity > 0
        let line = ProgressLine(context.console, verb: verb, isVerbose: isVerbose)
        self.line = line
        guard isVerbose || context.console.isTerminal else {
            thread = nil
            return
        }
        thread = try WorkerThread(name: "progress") { [end] in
            while case .timedOut = end.pop(timeoutMilliseconds: Self.intervalMilliseconds) {
                line.update(amount)
            }
        }
    }

    /// Counts time from now on, for the next save of a list.
    func restart() { line.restart() }

    /// Takes the line away.
    func stop() {
        end.close()
        thread?.join()
        line.finish()
    }
}
