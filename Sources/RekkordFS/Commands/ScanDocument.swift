import Core
import FoundationEssentials

/// The report of a scan as JSON.
///
/// - Source: rekkord(1), "scan".
struct ScanDocument: Encodable {
    let report: ScanReport
    let duration: Double
    let status: Int32

    private enum Key: String, CodingKey {
        case command, snapshots, blobs, orphans, locks, problems, duration, status
        case damagedSnapshots = "damaged_snapshots"
        case unusableTags = "unusable_tags"
        case unnamedPaths = "unnamed_paths"
    }

    private enum BlobsKey: String, CodingKey {
        case verified, remembered, damaged
        case notVerified = "not_verified"
    }

    private enum OrphansKey: String, CodingKey { case count, bytes }
    private enum LocksKey: String, CodingKey { case extended, current, failed }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode("scan", forKey: .command)
        try container.encode(report.snapshots, forKey: .snapshots)
        try container.encode(report.damagedSnapshots, forKey: .damagedSnapshots)
        try container.encode(report.unusableTags, forKey: .unusableTags)
        var blobs = container.nestedContainer(keyedBy: BlobsKey.self, forKey: .blobs)
        try blobs.encode(report.blobs.verified, forKey: .verified)
        try blobs.encode(report.blobs.remembered, forKey: .remembered)
        try blobs.encode(report.blobs.damaged, forKey: .damaged)
        try blobs.encode(report.blobs.notVerified, forKey: .notVerified)
        if let counts = report.orphans {
            var orphans = container.nestedContainer(keyedBy: OrphansKey.self, forKey: .orphans)
            try orphans.encode(counts.count, forKey: .count)
            try orphans.encode(counts.byteCount, forKey: .bytes)
        } else {
            try container.encodeNil(forKey: .orphans)
        }
        if let counts = report.locks {
            var locks = container.nestedContainer(keyedBy: LocksKey.self, forKey: .locks)
            try locks.encode(counts.extended, forKey: .extended)
            try locks.encode(counts.current, forKey: .current)
            try locks.encode(counts.failed, forKey: .failed)
        } else {
            try container.encodeNil(forKey: .locks)
        }
        try container.encode(report.problems.map { Problem(problem: $0) }, forKey: .problems)
        try container.encode(report.unnamedPaths, forKey: .unnamedPaths)
        try container.encode((duration * 1000).rounded() / 1000, forKey: .duration)
        try container.encode(status, forKey: .status)
    }

    private struct Problem: Encodable {
        let problem: ScanProblem

        private enum Key: String, CodingKey {
            case what, channel, time, snapshot, path, object, key, offset, length, snapshots, message
            case channelBase64 = "channel_base64"
            case pathBase64 = "path_base64"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(problem.what.name, forKey: .what)
            try encode(problem.channel, .channel, .channelBase64, &container)
            try container.encode(problem.time.map { CalendarTime.utc($0) }, forKey: .time)
            try container.encode(problem.snapshot?.description, forKey: .snapshot)
            try encode(problem.path, .path, .pathBase64, &container)
            try container.encode(problem.object?.description, forKey: .object)
            try container.encode(problem.objectName, forKey: .key)
            try container.encode(problem.extent?.offset, forKey: .offset)
            try container.encode(problem.extent?.byteCount, forKey: .length)
            try container.encode(problem.snapshots, forKey: .snapshots)
            try container.encode(problem.message, forKey: .message)
        }

        /// Lossy text, and the bytes where it loses any.
        private func encode(
            _ bytes: [UInt8]?,
            _ key: Key,
            _ base64: Key,
            _ container: inout KeyedEncodingContainer<Key>
        ) throws {
            try container.encode(bytes.map { String(decoding: $0, as: UTF8.self) }, forKey: key)
            if let bytes, !PrintedName.isUTF8(bytes) {
                try container.encode(Data(bytes).base64EncodedString(), forKey: base64)
            }
        }
    }
}
