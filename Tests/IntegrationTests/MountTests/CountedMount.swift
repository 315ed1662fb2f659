import Glibc
import SystemPackage
import TestSupport
import Testing

/// Whether file systems can be mounted here; continuous integration does not accept that these tests are skipped.
let canMount = access("/dev/fuse", R_OK | W_OK) == 0

/// A mount in a process of its own, until `end`, that counts what the kernel asks.
struct CountedMount {
    private let folder: FilePath
    private let process: Program.Running
    /// The last line of the counters of a mount without a disk cache, as that of a folder is.
    private static let lastCounter = "prefetch_wasted_bytes "

    /// Mounts the newest snapshot of `channel` of the repository of `setup` on `mnt`, or all of the repository.
    init(_ setup: SaveSetup, channel: String? = nil, _ options: String...) throws {
        var program = setup.program
        program.environment["REKKORD_KEY_FILE"] = "master.key"
        folder = setup.folder.path
        _ = try Program.shell(in: folder, "mkdir -p mnt")
        let words = ["mount", "-f"] + options + (channel.map { [$0] } ?? []) + ["mnt"]
        process = try program.start(bytes: words.map { Array($0.utf8) })
        try waitForErrors { $0.hasSuffix("Ready\n") }
    }

    private func waitForErrors(until isThere: (String) -> Bool) throws {
        for _ in 0..<3000 {
            if isThere(try process.errors()) { return }
            usleep(10_000)
        }
        Issue.record("the mount does not say what it should: \(try process.errors())")
    }

    /// What a line of shell prints; `$M` is the mount point.
    @discardableResult
    func shell(_ line: String) throws -> String {
        try Program.shell(in: folder, "M=\"$PWD/mnt\"; { \(line)\n} 2>&1").output
    }

    /// All counters at this moment.
    ///
    /// The look itself asks nothing of the mount.
    func counters() throws -> [String: Int] {
        let known = try process.errors()
        process.send(SIGUSR1)
        try waitForErrors {
            $0.utf8.count > known.utf8.count && $0.hasSuffix("\n")
                && $0.dropLast().split(separator: "\n").last?.hasPrefix(Self.lastCounter) == true
        }
        var counters: [String: Int] = [:]
        for line in try process.errors().dropFirst(known.count).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let value = Int(words[1]) { counters[String(words[0])] = value }
        }
        return counters
    }

    /// How often the kernel asked for something while `commands` ran.
    func requests(_ commands: String) throws -> (output: String, counts: [String: Int]) {
        let before = try counters()
        let output = try shell(commands)
        let after = try counters()
        return (output, after.merging(before) { $0 - $1 })
    }

    /// Unmounts.
    func end() throws {
        #expect(try shell("fusermount3 -u mnt; grep -c \"$M \" /proc/mounts") == "0\n")
        #expect(try process.wait().status == 0)
    }
}
