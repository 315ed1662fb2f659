import Glibc
import SystemPackage
import TestSupport
import Testing

/// Counts what the kernel asks of a real mount, since times would tell less and change with the weather.
@Suite(.enabled(if: canMount, "/dev/fuse cannot be used"), .serialized)
struct MountRequestTests {
    let setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
        for index in 0..<300 { try setup.folder.write("tree/many/f\(index)", "content \(index)") }
        try setup.folder.write("tree/large", [UInt8](repeating: 7, count: 3_000_000))
        #expect(try setup.program.run("save", "c", "tree").status == 0)
    }

    /// Mounts, runs `commands` in the saved tree with `$M` as the mount point, and unmounts; the counters come after.
    private func mounted(_ commands: String) throws -> (output: String, counters: [String: Int]) {
        var program = setup.program
        program.environment["REKKORD_KEY_FILE"] = "master.key"
        _ = try Program.shell(in: setup.folder.path, "mkdir -p mnt")
        let mount = try program.run("mount", "--stats", "--log-file", "mount.log", "c", "mnt")
        #expect(mount.status == 0)
        let result = try Program.shell(
            in: setup.folder.path,
            """
            M="$PWD/mnt"; (cd "$M$(realpath tree)" && { \(commands); }) 2>&1
            fusermount3 -u mnt
            for i in $(seq 100); do grep -q blob_prefetches mount.log && break; sleep 0.05; done
            grep -c "$M " /proc/mounts
            """
        )
        let log = try Program.shell(in: setup.folder.path, "cat mount.log; rm -f mount.log").output
        var counters: [String: Int] = [:]
        for line in log.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3, let value = Int(words[2]) { counters[String(words[1])] = value }
        }
        return (result.output, counters)
    }

    @Test("a crawl with attributes looks up nothing but the way to the tree")
    func crawl() throws {
        let (output, counters) = try mounted(
            "find . -size +1000k; ls -l many | wc -l; find . -type f | wc -l"
        )
        #expect(output == "./large\n301\n303\n0\n")
        #expect(try #require(counters["lookup"]) <= 12)
        #expect(try #require(counters["getattr"]) <= 4)
        #expect(counters["read"] == 0)
        #expect(counters["dropped"] == 0)
    }

    @Test("whatever was crawled and read once is not asked for again")
    func repetition() throws {
        let crawl = "find . -size +1000k; ls -lR | tail -n 1; cat many/* large | wc -c"
        let once = try mounted(crawl)
        let twice = try mounted("\(crawl); \(crawl)")
        #expect(twice.output == once.output.dropLast(2) + once.output)
        // A large file takes several, as many as read-ahead is set to.
        #expect(try #require(once.counters["read"]) > 301)
        for request in ["lookup", "getattr", "readdir", "opendir", "open", "read"] {
            #expect(twice.counters[request] == once.counters[request], "\(request)")
        }
    }

    @Test(
        "ls -l asks for the attributes of a folder, not of each file",
        arguments: [[], ["user.note"], ["user.note", "trusted.note"]]
    )
    func attributes(names: [String]) throws {
        for name in names {
            // Not every file system has them, and trusted ones are for root.
            let script =
                "import os\ntry: os.setxattr(\"tree/many/f7\", \"\(name)\", b\"1\")\nexcept OSError: pass"
            #expect(try Program.shell(in: setup.folder.path, "python3 -c '\(script)'").status == 0)
        }
        #expect(try setup.program.run("save", "-m", "XAttrs", "c", "tree").status == 0)
        let (output, counters) = try mounted("ls -l many | wc -l; ls -l many | wc -l")
        #expect(output == "301\n301\n0\n")
        #expect(try #require(counters["getxattr"]) <= 8)
        #expect(counters["listxattr"] == 0)
    }

    @Test("a file is opened without asking, and read again without reading")
    func rereading() throws {
        let once = try mounted("cat large many/f1 | wc -c").counters
        let (output, twice) = try mounted("cat large many/f1 | wc -c; cat large many/f1 | wc -c")
        #expect(output == "3000009\n3000009\n0\n")
        #expect(twice["read"] == once["read"])
        #expect(twice["open"] == 1)
    }

    @Test("names that are absent are asked for once")
    func absence() throws {
        let once = try mounted("cat none").counters
        let often = try mounted("for i in 1 2 3 4 5; do cat none; done").counters
        #expect(once["lookup"] == often["lookup"])
    }

    @Test("nothing can be changed")
    func readOnly() throws {
        let commands = [
            "touch n", "mkdir n", "rm a", "rmdir folder", "mv a b", "ln a b", "ln -s a b", "chmod 1 a",
        ]
        let all = commands.map { "\($0) 2>&1 | grep -c 'Read-only file system'" }.joined(separator: "; ")
        let remount = geteuid() == 0 ? "mount -i -o remount,rw \"$M\"; \(all)" : all
        let (output, _) = try mounted("\(all); \(remount)")
        #expect(output == String(repeating: "1\n", count: 2 * commands.count) + "0\n")
    }

    @Test("each signal unmounts, also while a file is open", arguments: [SIGINT, SIGTERM, SIGHUP])
    func signals(signal: Int32) throws {
        var program = setup.program
        program.environment["REKKORD_KEY_FILE"] = "master.key"
        _ = try Program.shell(in: setup.folder.path, "mkdir -p mnt")
        let mount = try program.start("mount", "-f", "c", "mnt")
        let large = "\(setup.folder.path.string)/mnt\(setup.root)/tree/large"
        let wait = "for i in $(seq 200); do [ -f '\(large)' ] && break; sleep 0.05; done"
        _ = try Program.shell(in: setup.folder.path, wait)
        let file = open(large, O_RDONLY)
        #expect(file >= 0)
        defer { close(file) }
        mount.send(signal)
        let result = try mount.wait()
        #expect(result.status == 0)
        #expect(result.error.hasSuffix("/mnt'...\nReady\n"))
        #expect(
            try Program.shell(in: setup.folder.path, "grep -c \"$PWD/mnt \" /proc/mounts").output == "0\n"
        )
    }

    @Test("a key that cannot read cannot mount, and the mount point stays free")
    func rights() throws {
        _ = try Program.shell(in: setup.folder.path, "mkdir -p mnt")
        let result = try setup.program.run("mount", "c", "mnt")
        #expect(result.status == 12)
        #expect(result.error.contains("rekkord: error: cannot mount with WriteOnly key\n"))
    }
}
