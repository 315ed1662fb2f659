import Core

/// Shows the progress of a save, on a thread of its own so that no worker waits for a terminal.
final class SaveTicker {
    private static let intervalMilliseconds = 200

    private let end = BoundedQueue<Bool>(capacity: 1)
    private let thread: WorkerThread?
    private let line: ProgressLine

    /// Starts to show what `progress` counts, where somebody wants to see it.
    init(_ progress: SaveProgress, _ context: CommandContext) throws(RekkordError) {
        let isVerbose = context.verbosity > 0
        let line = ProgressLine(context.console, verb: "Saving", isVerbose: isVerbose)
        self.line = line
        guard isVerbose || context.console.isTerminal else {
            thread = nil
            return
        }
        thread = try WorkerThread(name: "progress") { [end] in
            while case .timedOut = end.pop(timeoutMilliseconds: Self.intervalMilliseconds) {
                line.update {
                    .init(
                        done: Int64(progress.byteCount),
                        total: progress.plannedByteCount.map(Int64.init),
                        entries: progress.entryCount
                    )
                }
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
