import Core
import FoundationEssentials
import Glibc

/// Prints what a restore did.
///
/// - Source: rekkord(1).
struct RestoreReport {
    private let format: SummaryFormat
    private let console: Console
    private let start = Self.seconds()
    /// The exit status.
    private(set) var status = ExitStatus.done

    init(_ format: SummaryFormat, _ console: Console) {
        self.format = format
        self.console = console
    }

    /// Prints the summary of a restore that ran to its end.
    mutating func finish(
        _ result: RestoreResult,
        _ object: ObjectID?,
        _ destination: PathArgument,
        isDryRun: Bool
    ) throws {
        let duration = Self.seconds() - start
        if result.failed > 0 {
            let entries = result.failed == 1 ? "1 entry" : "\(result.failed) entries"
            console.warn("\(entries) could not be restored")
            status = ExitStatus.incomplete
        }
        let path = destination.path.bytes
        switch format {
        case .plain:
            console.print("Restored: \(PrintedName.escape(path)) (\(HumanText.size(result.size)))")
            if result.failed > 0 { console.print("Failed entries: \(result.failed)") }
            let note = isDryRun ? " [dry run]" : ""
            console.print("Execution time: \(HumanText.duration(seconds: duration))\(note)")
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let summary = Summary(
                result: result,
                object: object,
                destination: path,
                isDryRun: isDryRun,
                duration: duration,
                status: status
            )
            console.print(String(decoding: try encoder.encode(summary), as: UTF8.self))
        }
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The document.
    private struct Summary: Encodable {
        let result: RestoreResult
        let object: ObjectID?
        let destination: [UInt8]
        let isDryRun: Bool
        let duration: Double
        let status: Int32

        private enum Key: String, CodingKey {
            case command, object, destination, files, directories, links, size, skipped, failed, deleted,
                duration, status
            case destinationBase64 = "destination_base64"
            case dryRun = "dry_run"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode("restore", forKey: .command)
            try container.encode(object?.description, forKey: .object)
            // Lossy text, and the bytes where it loses any.
            try container.encode(String(decoding: destination, as: UTF8.self), forKey: .destination)
            if !PrintedName.isUTF8(destination) {
                try container.encode(Data(destination).base64EncodedString(), forKey: .destinationBase64)
            }
            try container.encode(result.files, forKey: .files)
            try container.encode(result.folders, forKey: .directories)
            try container.encode(result.links, forKey: .links)
            try container.encode(result.size, forKey: .size)
            try container.encode(result.skipped, forKey: .skipped)
            try container.encode(result.failed, forKey: .failed)
            try container.encode(result.deleted, forKey: .deleted)
            try container.encode(isDryRun, forKey: .dryRun)
            try container.encode((duration * 1000).rounded() / 1000, forKey: .duration)
            try container.encode(status, forKey: .status)
        }
    }
}
