import Glibc
import SystemPackage
import TestSupport
import Testing

/// Whether file systems can be mounted here; continuous integration does not accept that these tests are skipped.
let canMount = access("/dev/fuse", R_OK | W_OK) == 0

/// A whole repository that is mounted until `end`, and counts what the kernel asks.
struct WholeMount {
    private let program: Program
    private let folder: FilePath

    /// Mounts the repository of `setup` on `mnt`.
    init(_ setup: SaveSetup, _ options: String...) throws {
        var program = setup.program
        program.environment["REKKORD_KEY_FILE"] = "master.key"
        self.program = program
        folder = setup.folder.path
        _ = try Program.shell(in: folder, "mkdir -p mnt")
        let words = ["mount", "--log-file", "mount.log"] + options + ["mnt"]
        let result = try program.run(bytes: words.map { Array($0.utf8) })
        #expect(result.status == 0, "\(result.error)")
    }

    /// What a line of shell prints; `$M` is the mount point.
    @discardableResult
    func shell(_ line: String) throws -> String {
        try Program.shell(in: folder, "M=\"$PWD/mnt\"; { \(line)\n} 2>&1").output
    }

    /// All counters at this moment.
    ///
    /// Each look costs requests itself: one READ, and a GETATTR for each time the kernel wants to know the size.
    func counters() throws -> [String: Int] {
        let lines = try shell("cat \"$M/.rekkord/stats\"").split(separator: "\n")
        var counters: [String: Int] = [:]
        for line in lines {
            let words = line.split(separator: " ")
            if words.count == 2 { counters[String(words[0])] = Int(words[1]) }
        }
        return counters
    }

    /// How often the kernel asked for something while `commands` ran, without what looking at the counters costs.
    func requests(_ commands: String) throws -> (output: String, counts: [String: Int]) {
        // The first look may have to find the way, so it does not count.
        _ = try counters()
        let before = try counters()
        let output = try shell(commands)
        let after = try counters()
        var counts: [String: Int] = [:]
        for (name, value) in after { counts[name] = value - (before[name] ?? 0) }
        counts["read", default: 0] -= 1
        return (output, counts)
    }

    /// Unmounts.
    func end() throws {
        let rest = try Program.shell(in: folder, "fusermount3 -u mnt; grep -c \"$PWD/mnt \" /proc/mounts")
            .output
        #expect(rest == "0\n")
    }
}
