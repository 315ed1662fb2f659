import Core
import FoundationEssentials
import Glibc

/// Collects the outcome of saves and prints their summaries.
///
/// - Source: rekkord(1).
struct SaveReport {
    private let format: SummaryFormat
    private let console: Console
    private let isDryRun: Bool
    private var summaries: [Summary] = []
    private var start = Self.seconds()
    /// The exit status so far.
    private(set) var status = ExitStatus.done

    init(_ format: SummaryFormat, isDryRun: Bool, _ console: Console) {
        self.format = format
        self.isDryRun = isDryRun
        self.console = console
    }

    /// Takes a snapshot or object that was made.
    mutating func add(_ result: SaveResult) {
        if result.unreadable > 0 {
            console.warn(
                result.unreadable == 1
                    ? "1 entry could not be read" : "\(result.unreadable) entries could not be read"
            )
            if status == ExitStatus.done { status = ExitStatus.incomplete }
        }
        let now = Self.seconds()
        let summary = Summary(result, duration: now - start)
        start = now
        summaries.append(summary)
        if format == .plain { print(result, duration: summary.duration) }
    }

    /// Takes a save that failed while others go on.
    mutating func add(_ error: RekkordError, channel: [UInt8]?) {
        console.report(error)
        status = ExitStatus.failed
        let now = Self.seconds()
        summaries.append(Summary(failed: channel, isDryRun: isDryRun, duration: now - start))
        start = now
    }

    /// Prints what could not be printed before; `isList` says that there may have been several saves.
    func finish(isList: Bool) throws {
        guard format == .json else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let document =
            isList
            ? try encoder.encode(List(saves: summaries, status: status)) : try encoder.encode(summaries[0])
        console.print(String(decoding: document, as: UTF8.self))
    }

    private func print(_ result: SaveResult, duration: Double) {
        if let channel = result.channel {
            console.print("Snapshot channel: \(PrintedName.escape(channel))")
        }
        if let object = result.object {
            console.print("\(result.channel == nil ? "Data" : "Snapshot") OID: \(object)")
        }
        console.print("Source size: \(HumanText.size(result.size))")
        let added = HumanText.size(result.added)
        console.print("Total stored: \(HumanText.size(result.stored)) (added \(added))")
        if result.unreadable > 0 { console.print("Unreadable entries: \(result.unreadable)") }
        let note = result.isDryRun ? " [dry run]" : ""
        console.print("Execution time: \(HumanText.duration(seconds: duration))\(note)")
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The document for `--from`.
    private struct List: Encodable {
        let command = "save"
        let saves: [Summary]
        let status: Int32
    }

    /// The document for one save.
    private struct Summary: Encodable {
        var channel: [UInt8]?
        var object: ObjectID?
        var time: Timestamp?
        var size: Int64 = 0
        var stored: Int64 = 0
        var added: Int64 = 0
        var entries: Int64 = 0
        var unreadable = 0
        var excluded = 0
        var isDryRun: Bool
        var duration: Double
        var status: Int32

        init(_ result: SaveResult, duration: Double) {
            channel = result.channel
            object = result.object
            time = result.time
            size = result.size
            stored = result.stored
            added = result.added
            entries = result.entries
            unreadable = result.unreadable
            excluded = result.excluded
            isDryRun = result.isDryRun
            self.duration = duration
            status = result.unreadable > 0 ? ExitStatus.incomplete : ExitStatus.done
        }

        init(failed channel: [UInt8]?, isDryRun: Bool, duration: Double) {
            self.channel = channel
            self.isDryRun = isDryRun
            self.duration = duration
            status = ExitStatus.failed
        }

        private enum Key: String, CodingKey {
            case command, channel, object, time, size, stored, added, entries, unreadable, excluded, duration,
                status
            case channelBase64 = "channel_base64"
            case dryRun = "dry_run"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode("save", forKey: .command)
            // Lossy text, and the bytes where it loses any.
            try container.encode(channel.map { String(decoding: $0, as: UTF8.self) }, forKey: .channel)
            if let channel, !PrintedName.isUTF8(channel) {
                try container.encode(Data(channel).base64EncodedString(), forKey: .channelBase64)
            }
            try container.encode(object?.description, forKey: .object)
            try container.encode(time.map { CalendarTime.utc($0) }, forKey: .time)
            try container.encode(size, forKey: .size)
            try container.encode(stored, forKey: .stored)
            try container.encode(added, forKey: .added)
            try container.encode(entries, forKey: .entries)
            try container.encode(unreadable, forKey: .unreadable)
            try container.encode(excluded, forKey: .excluded)
            try container.encode(isDryRun, forKey: .dryRun)
            try container.encode((duration * 1000).rounded() / 1000, forKey: .duration)
            try container.encode(status, forKey: .status)
        }
    }
}
