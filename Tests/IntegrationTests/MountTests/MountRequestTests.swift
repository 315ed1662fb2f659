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

    /// Shell that goes to what was saved.
    private var enter: String { "cd \"$M\"'\(setup.root)/tree'" }

    @Test("a crawl with attributes looks up nothing but the way to the tree")
    func crawl() throws {
        let mount = try CountedMount(setup, channel: "c")
        let (output, counts) = try mount.requests(
            "\(enter); find . -size +1000k; ls -l many | wc -l; find . -type f | wc -l"
        )
        #expect(output == "./large\n301\n303\n")
        #expect(try #require(counts["lookup"]) <= 12)
        #expect(try #require(counts["getattr"]) <= 4)
        #expect(counts["read"] == 0)
        #expect(counts["dropped"] == 0)
        try mount.end()
    }

    @Test("whatever was crawled and read once is not asked for again")
    func repetition() throws {
        let mount = try CountedMount(setup, channel: "c")
        let crawl = "\(enter); find . -size +1000k; ls -lR | tail -n 1; cat many/* large | wc -c"
        let first = try mount.requests(crawl)
        // A large file takes several, as many as read-ahead is set to.
        #expect(try #require(first.counts["read"]) > 301)
        let second = try mount.requests("\(crawl); \(crawl)")
        #expect(second.output == first.output + first.output)
        for request in ["lookup", "getattr", "readdir", "opendir", "open", "read"] {
            #expect(second.counts[request] == 0, "\(request)")
        }
        try mount.end()
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
        let mount = try CountedMount(setup, channel: "c")
        let (output, counts) = try mount.requests("\(enter); ls -l many | wc -l; ls -l many | wc -l")
        #expect(output == "301\n301\n")
        #expect(try #require(counts["getxattr"]) <= 8)
        #expect(counts["listxattr"] == 0)
        try mount.end()
    }

    @Test("a file is opened without asking, and read again without reading")
    func rereading() throws {
        let mount = try CountedMount(setup, channel: "c")
        let read = "\(enter); cat large many/f1 | wc -c"
        let first = try mount.requests(read)
        #expect(first.output == "3000009\n")
        // The first file of all; the answer is that none needs to be opened.
        #expect(first.counts["open"] == 1)
        #expect(try #require(first.counts["read"]) >= 2)
        let second = try mount.requests("\(read); \(read)")
        #expect(second.output == "3000009\n3000009\n")
        #expect(second.counts["open"] == 0)
        #expect(second.counts["read"] == 0)
        try mount.end()
    }

    @Test("names that are absent are asked for once")
    func absence() throws {
        let mount = try CountedMount(setup, channel: "c")
        #expect(try #require(mount.requests("\(enter); cat none").counts["lookup"]) > 0)
        #expect(try mount.requests("\(enter); for i in 1 2 3 4 5; do cat none; done").counts["lookup"] == 0)
        try mount.end()
    }

    @Test("nothing can be changed")
    func readOnly() throws {
        let commands = [
            "touch n", "mkdir n", "rm a", "rmdir folder", "mv a b", "ln a b", "ln -s a b", "chmod 1 a",
        ]
        let all = commands.map { "\($0) 2>&1 | grep -c 'Read-only file system'" }.joined(separator: "; ")
        let remount = geteuid() == 0 ? "mount -i -o remount,rw \"$M\"; \(all)" : all
        let mount = try CountedMount(setup, channel: "c")
        let output = try mount.shell("(\(enter); \(all); \(remount))")
        #expect(output == String(repeating: "1\n", count: 2 * commands.count))
        try mount.end()
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
