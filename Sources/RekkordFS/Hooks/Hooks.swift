import ArgumentParser
import Core
import SystemPackage

/// The programs around one command.
///
/// - Source: rekkord(1), "Hooks".
struct Hooks {
    /// Run before the command.
    let before: HookFolder?
    /// Run after it, however it ended.
    let after: HookFolder?

    /// Names the folders, if there are any.
    init(before: FilePath?, after: FilePath?) {
        self.before = before.map { HookFolder($0) }
        self.after = after.map { HookFolder($0) }
    }

    /// Runs a command between them.
    ///
    /// A hook that fails before it keeps the command from running; those after it run in any case, and raise a good
    /// status when one fails.
    func run(_ context: CommandContext, _ command: () throws -> Void) throws {
        if before == nil, after == nil { return try command() }
        // Nothing runs when something cannot be trusted.
        for folder in [before, after] { _ = try folder?.executables(isRoot: context.isRoot) }
        Signals.cooperate()
        var status = Self.status(context.console) {
            guard try run(before, context, variables: [:]) else { throw ExitCode(ExitStatus.failed) }
            try command()
        }
        // Who runs after it may want to send on what it printed.
        context.console.flush()
        let isGood = Self.good.contains(status)
        let afterStatus = Self.status(context.console) {
            let variables = ["SUCCESS": isGood ? "1" : "0", "REKKORD_STATUS": String(status)]
            guard try run(after, context, variables: variables) else { throw ExitCode(ExitStatus.failed) }
        }
        if isGood, afterStatus != ExitStatus.done { status = afterStatus }
        if status != ExitStatus.done { throw ExitCode(status) }
    }

    /// The statuses of a command that did its work.
    private static let good = [ExitStatus.done, ExitStatus.incomplete]

    /// Reports what goes wrong in `body`, and returns the status of it.
    private static func status(_ console: Console, _ body: () throws -> Void) -> Int32 {
        do {
            try body()
            return ExitStatus.done
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            let error = error as? RekkordError ?? RekkordError(.system, "\(error)")
            console.report(error)
            return ExitStatus.of(error.kind)
        }
    }

    /// Runs all programs of a folder; false when one failed.
    private func run(
        _ folder: HookFolder?,
        _ context: CommandContext,
        variables: [String: String]
    ) throws(RekkordError) -> Bool {
        guard let folder else { return true }
        let wasSignalled = Signals.received != nil
        var isGood = true
        for program in try folder.executables(isRoot: context.isRoot) {
            if context.verbosity > 0 { context.console.note("Hook: \(program.printed)") }
            let failure: String?
            do throws(Errno) {
                failure = try HookProcess.run(program, variables: variables).failure
            } catch {
                failure = "\(error)"
            }
            guard let failure else { continue }
            isGood = false
            context.console.report(RekkordError(.system, "cannot run hook '\(program.printed)': \(failure)"))
        }
        if !wasSignalled, Signals.received != nil { throw RekkordError(.interrupted, "interrupted") }
        return isGood
    }
}
