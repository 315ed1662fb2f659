import TestSupport
import Testing

@testable import Core
@testable import RekkordFS

@Suite struct ScanSummaryTests {
    private func report(_ change: (inout ScanReport) -> Void = { _ in }) -> ScanReport {
        var report = ScanReport()
        report.snapshots = 12
        report.blobs = ScanReport.Blobs(verified: 1234, remembered: 80_000, damaged: 0, notVerified: 0)
        report.orphans = ScanReport.Orphans(count: 12, byteCount: 3_100_000)
        change(&report)
        return report
    }

    @Test("a clean scan has three lines, and two without locks")
    func clean() {
        #expect(
            ScanSummary.lines(
                report { $0.locks = ScanReport.Locks(extended: 40, current: 81_194, failed: 0) }
            ) == [
                "Checked 12 snapshots, 81234 blobs: all clear", "Orphans: 12 blobs (3.100 MB)",
                "Locks: 40 extended, 81194 current, 0 failed",
            ]
        )
        #expect(ScanSummary.lines(report()).count == 2)
        #expect(ScanSummary.lines(report { $0.orphans = nil }).last == "Orphans: not counted")
        #expect(
            ScanSummary.lines(report { $0.snapshots = 1 }).first
                == "Checked 1 snapshot, 81234 blobs: all clear"
        )
    }

    @Test("the verdict counts snapshots, tags, and what was not verified")
    func verdict() {
        func verdict(_ change: (inout ScanReport) -> Void) -> String? {
            ScanSummary.lines(report(change)).first { $0.hasPrefix("Checked") }?
                .split(separator: ":").last.map { String($0.dropFirst()) }
        }
        #expect(verdict { $0.damagedSnapshots = 1 } == "1 damaged snapshot")
        #expect(
            verdict {
                $0.damagedSnapshots = 2
                $0.unusableTags = 1
                $0.blobs.notVerified = 3
            } == "2 damaged snapshots, 1 unusable tag, 3 blobs not verified"
        )
        #expect(
            verdict {
                $0.problems = [ScanProblem(RekkordError(.denied, "cannot list 'blobs/': access denied"))]
            } == "1 problem"
        )
    }

    @Test("problem lines have what is known of snapshot, path, object and bytes")
    func problems() {
        let id = ObjectID(.raw, .zero)
        var problem = ScanProblem(FormatError("hash mismatch", .hash))
        problem.channel = Array("web".utf8)
        problem.time = Timestamp(milliseconds: 1_767_619_231_000)
        problem.path = Array("home/a\nb".utf8)
        problem.object = id
        problem.objectName = id.objectName
        problem.extent = ScanProblem.Extent(offset: 4_194_304, byteCount: 2_097_152)
        problem.snapshots = 37
        func line(_ problem: ScanProblem) -> String? {
            ScanSummary.lines(report { $0.problems = [problem] }).first
        }
        let start = "web@2026-01-05T13:20:31.000Z: "
        #expect(
            line(problem)
                == "\(start)home/a\\x0Ab: \(id) hash mismatch, bytes 4194304-6291455 (and 36 more snapshots)"
        )
        problem.extent = nil
        problem.snapshots = 2
        problem.path = nil
        #expect(line(problem) == "\(start)\(id.objectName): hash mismatch (and 1 more snapshot)")
        var refused = ScanProblem(RekkordError(.denied, "cannot list 'blobs/': access denied"))
        refused.objectName = "blobs/"
        #expect(line(refused) == "blobs/: not verified: cannot list 'blobs/': access denied")
    }

    @Test("damage beats what is not complete")
    func statuses() throws {
        let damage = ScanProblem(FormatError("hash mismatch", .hash))
        let failure = ScanProblem(RekkordError(.storage, "cannot read 'x': timed out"))
        func status(_ change: (inout ScanReport) -> Void) -> Int32 { ScanSummary.status(of: report(change)) }
        #expect(status { _ in } == ExitStatus.done)
        #expect(status { $0.problems = [failure] } == ExitStatus.failed)
        #expect(status { $0.problems = [failure, damage] } == ExitStatus.damage)
        #expect(
            status { $0.locks = ScanReport.Locks(extended: 1, current: 1, failed: 1) } == ExitStatus.failed
        )
        #expect(
            status {
                $0.locks = ScanReport.Locks(extended: 1, current: 1, failed: 1)
                $0.problems = [damage]
            } == ExitStatus.damage
        )
    }
}
