import Core
import FoundationEssentials

/// Prints what a scan found.
///
/// - Source: rekkord(1), "scan".
struct ScanSummary {
    private let format: SummaryFormat
    private let console: Console
    private let start = MonotonicTime.milliseconds()
    /// The exit status; known after `print`.
    private(set) var status = ExitStatus.done

    init(_ format: SummaryFormat, _ console: Console) {
        self.format = format
        self.console = console
    }

    /// Prints the report.
    mutating func print(_ report: ScanReport) throws {
        status = Self.status(of: report)
        reportLockErrors(report)
        if report.snapshots == 0, report.unusableTags == 0 { console.note("No snapshots") }
        switch format {
        case .plain:
            for line in Self.lines(report) { console.print(line) }
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let seconds = Double(MonotonicTime.milliseconds() - start) / 1000
            let document = ScanDocument(report: report, duration: seconds, status: status)
            console.print(String(decoding: try encoder.encode(document), as: UTF8.self))
        }
    }

    /// Many locks fail for one reason: the hint is given once.
    private func reportLockErrors(_ report: ScanReport) {
        for error in report.lockErrors { console.report(RekkordError(error.kind, error.message)) }
        let more = (report.locks?.failed ?? 0) - report.lockErrors.count
        if more > 0 { console.warn("\(more) more locks could not be extended") }
        if let hint = report.lockErrors.lazy.compactMap(\.hint).first { console.hint(hint) }
    }

    /// The exit status: damage beats what could not be done.
    static func status(of report: ScanReport) -> Int32 {
        if report.hasDamage { return ExitStatus.damage }
        return report.isComplete ? ExitStatus.done : ExitStatus.failed
    }

    /// The report as people read it.
    static func lines(_ report: ScanReport) -> [String] {
        var lines = report.problems.map { line($0) }
        if report.unnamedPaths > 0 {
            let count = report.unnamedPaths == .max ? "countless" : "\(report.unnamedPaths)"
            lines.append("… and \(count) more paths to what is named above")
        }
        let snapshots = count(report.snapshots, "snapshot")
        lines.append("Checked \(snapshots), \(count(report.blobs.checked, "blob")): \(verdict(report))")
        let orphans = report.orphans.map { "\(count($0.count, "blob")) (\(HumanText.size($0.byteCount)))" }
        lines.append("Orphans: \(orphans ?? "not counted")")
        if let locks = report.locks {
            lines.append(
                "Locks: \(locks.extended) extended, \(locks.current) current, \(locks.failed) failed"
            )
        }
        return lines
    }

    private static func verdict(_ report: ScanReport) -> String {
        var parts: [String] = []
        if report.damagedSnapshots > 0 { parts.append(count(report.damagedSnapshots, "damaged snapshot")) }
        if report.unusableTags > 0 { parts.append(count(report.unusableTags, "unusable tag")) }
        if report.blobs.notVerified > 0 {
            parts.append("\(count(report.blobs.notVerified, "blob")) not verified")
        }
        if parts.isEmpty, !report.problems.isEmpty { parts.append(count(report.problems.count, "problem")) }
        return parts.isEmpty ? "all clear" : parts.joined(separator: ", ")
    }

    private static func count(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// `web@2026-01-05T13:20:31.000Z: home/a.iso: R38… hash mismatch, bytes 0-99 (and 36 more snapshots)`.
    private static func line(_ problem: ScanProblem) -> String {
        var line = ""
        if let channel = problem.channel, let time = problem.time {
            line += "\(PrintedName.escape(channel))@\(CalendarTime.utc(time)): "
        }
        let reason = (problem.what.isDamage ? "" : "not verified: ") + problem.message
        if let path = problem.path {
            line += "\(PrintedName.escape(path)): "
            if let object = problem.object { line += "\(object) " }
        } else if let name = problem.objectName {
            line += "\(PrintedName.escape(name.utf8)): "
        }
        line += reason
        if let extent = problem.extent {
            line += ", bytes \(extent.offset)-\(extent.offset + extent.byteCount - 1)"
        }
        if problem.channel != nil, problem.snapshots > 1 {
            line += " (and \(count(problem.snapshots - 1, "more snapshot")))"
        }
        return line
    }
}
