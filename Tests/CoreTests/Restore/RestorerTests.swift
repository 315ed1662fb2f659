import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct RestorerTests {
    private let fixture: RestoreFixture
    private var test: TestRepository { fixture.test }

    init() throws {
        fixture = try RestoreFixture()
    }

    /// A tree with one of each.
    private func sample() throws -> [Entry] {
        let inner = try test.folder("inner", [test.file("b", "beta", mode: 0o400)], mode: 0o500)
        return [
            try test.file("a", "alpha", mode: 0o640),
            try test.file("empty", ""),
            try test.folder("folder", [inner, test.link("link", "../a")], mode: 0o750),
            try test.link("dangling", "/nowhere"),
        ]
    }

    // MARK: - Content and attributes

    @Test("files, folders and links come back with content, modes and times")
    func whole() throws {
        let result = try fixture.restore(sample())
        #expect(
            try fixture.tree() == [
                "a", "dangling", "empty", "folder", "folder/inner", "folder/inner/b", "folder/link",
            ]
        )
        #expect(try fixture.text("target/a") == "alpha")
        #expect(try fixture.text("target/folder/inner/b") == "beta")
        #expect(try fixture.folder.read("target/empty") == [])
        #expect(try fixture.linkTarget("target/folder/link") == "../a")
        #expect(try fixture.mode("target/a") == 0o640)
        #expect(try fixture.mode("target/folder") == 0o750)
        #expect(try fixture.mode("target/folder/inner") == 0o500)
        #expect(try fixture.mode("target/folder/inner/b") == 0o400)
        for path in ["a", "empty", "dangling", "folder", "folder/inner", "folder/inner/b", "folder/link"] {
            let status = try fixture.status("target/" + path)
            #expect(status.modification.timestamp == RestoreFixture.time, "\(path)")
            #expect(status.modification.nanoseconds == 123_000_000, "\(path)")
        }
        #expect(result.files == 3 && result.folders == 2 && result.links == 2)
        #expect(result.size == 9 && result.failed == 0 && result.skipped == 0 && result.deleted == 0)
        #expect(fixture.takeWarnings() == [])
        #expect(
            fixture.lines.withLock { $0.sorted() } == [
                "[D] folder/", "[D] folder/inner/", "[F] a", "[F] empty", "[F] folder/inner/b",
                "[L] dangling",
                "[L] folder/link",
            ]
        )
    }

    @Test("access times come back when they were stored, for files, folders and links")
    func accessTimes() throws {
        let time = Timestamp(milliseconds: 981_173_106_007)
        let entries = [try test.file("a", "1"), try test.folder("f", []), try test.link("l", "x")].map {
            entry in
            var entry = entry
            entry.flags.insert(.accessTime)
            entry.atime = time
            return entry
        }
        try fixture.restore(entries)
        for name in ["a", "f", "l"] { #expect(try fixture.status("target/" + name).access.timestamp == time) }
    }

    @Test(
        "times before 1970 and far away are set to the millisecond",
        arguments: [-1, -1001, 0, 5_680_281_600_250]
    )
    func oddTimes(milliseconds: Int64) throws {
        var entry = try test.file("a", "1")
        entry.mtime = Timestamp(milliseconds: milliseconds)
        try fixture.restore([entry])
        #expect(try fixture.status("target/a").modification.timestamp.milliseconds == milliseconds)
    }

    /// A file of these chunks.
    private func chunkedFile(_ name: String, _ chunks: [[UInt8]]) throws -> Entry {
        var rows: [FileTable.Chunk] = []
        var offset: Int64 = 0
        for chunk in chunks {
            let hash = try test.store(.chunk, chunk).hash
            rows.append(.init(offset: offset, byteCount: Int32(chunk.count), hash: hash))
            offset += Int64(chunk.count)
        }
        let id = try test.store(.file, FileTable.encode(rows, size: offset))
        return TestRepository.entry(name, .file, hash: id.hash, size: offset)
    }

    @Test("a file of many chunks is put together by several threads", arguments: [1, 2, 8])
    func chunks(threadCount: Int) throws {
        fixture.options.threadCount = threadCount
        var random = SeededRandom(7)
        let chunks = (0..<50).map { _ in random.bytes(Int.random(in: 1...5000, using: &random)) }
        let result = try fixture.restore([chunkedFile("big", chunks), test.file("small", "x")])
        #expect(try fixture.folder.read("target/big") == Array(chunks.joined()))
        #expect(result.files == 2 && result.size == Int64(chunks.joined().count) + 1)
    }

    @Test(
        "holes are left for zeros that are aligned in the file, and the content is the same",
        arguments: [true, false]
    )
    func sparse(leavesHoles: Bool) throws {
        fixture.options.leavesHoles = leavesHoles
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let island = [UInt8](repeating: 0, count: 5000) + [1] + [UInt8](repeating: 0, count: 100_000)
        let entries = [
            try chunkedFile("several", [zeros, island, zeros + [7, 7, 7], zeros]),
            try chunkedFile("one", [zeros]),
        ]
        try fixture.restore(entries)
        #expect(try fixture.folder.read("target/several") == zeros + island + zeros + [7, 7, 7] + zeros)
        #expect(try fixture.folder.read("target/one") == zeros)
        #expect(try fixture.allocatedByteCount("target/one") <= (leavesHoles ? 4096 : .max))
        #expect(try fixture.allocatedByteCount("target/several") < (leavesHoles ? 100_000 : .max))
        #expect(try leavesHoles || fixture.allocatedByteCount("target/one") >= 1 << 20)
    }

    @Test("chunks with a gap between them give zeros, as when they are read through a mount")
    func gap() throws {
        let hash = try test.store(.chunk, [1, 2, 3]).hash
        let rows = [0, 1 << 30].map { FileTable.Chunk(offset: $0, byteCount: 3, hash: hash) }
        let id = try test.store(.file, FileTable.encode(rows, size: 1 << 30 + 3))
        try fixture.restore([TestRepository.entry("gap", .file, hash: id.hash)])
        #expect(try fixture.status("target/gap").size == 1 << 30 + 3)
        #expect(try fixture.allocatedByteCount("target/gap") <= 64 << 10)
    }

    // MARK: - What is restored, and where

    @Test("a snapshot gives its saved paths in full, nested ones in their places")
    func snapshot() throws {
        let roots = [
            TestRepository.rooted(
                try test.folder("alice", [test.file("note", "n")], mode: 0o700),
                "home/alice"
            ),
            TestRepository.rooted(try test.folder("srv", [test.file("s", "s")], mode: 0o711), "srv"),
            TestRepository.rooted(try test.file("deep", "d"), "srv/www/logs/deep"),
        ]
        try test.snapshot("web", milliseconds: 1, roots)
        umask(0o022)
        let result = try fixture.restore("web")
        #expect(
            try fixture.tree() == [
                "home", "home/alice", "home/alice/note", "srv", "srv/s", "srv/www", "srv/www/logs",
                "srv/www/logs/deep",
            ]
        )
        #expect(try fixture.mode("target/home") == 0o755)
        #expect(try fixture.mode("target/home/alice") == 0o700)
        #expect(try fixture.mode("target/srv") == 0o711)
        #expect(try fixture.status("target/srv").modification.timestamp == RestoreFixture.time)
        // What was not saved itself does not count.
        #expect(result.folders == 2 && result.files == 3)
    }

    @Test("a folder of a snapshot gives its children; folders above the destination are made")
    func folder() throws {
        let top = try test.folder("top", [test.file("a", "1"), test.folder("f", [test.file("b", "2")])])
        try test.snapshot("web", milliseconds: 1, [TestRepository.rooted(top, "srv/top")])
        try fixture.restore("web:srv/top", to: "x/y/z")
        #expect(try fixture.tree("x/y/z") == ["a", "f", "f/b"])
        try fixture.restore("web:srv/top/f", to: "f")
        #expect(try fixture.tree("f") == ["b"])
    }

    @Test("a file or link is written to the destination itself, or into it where that is a folder")
    func leaf() throws {
        let top = try test.folder("top", [test.file("a", "1", mode: 0o604), test.link("l", "a")])
        try test.snapshot("web", milliseconds: 1, [TestRepository.rooted(top, "top")])
        #expect(try fixture.restore("web:top/a", to: "new/name").files == 1)
        #expect(try fixture.text("new/name") == "1")
        #expect(try fixture.mode("new/name") == 0o604)
        try fixture.restore("web:top/l", to: "link")
        #expect(try fixture.linkTarget("link") == "a")
        try System.makeFolders(fixture.folder["empty"], mode: 0o700)
        try fixture.restore("web:top/a", to: "empty")
        #expect(try fixture.tree("empty") == ["a"])
        #expect(fixture.failure("web:top/a", to: "empty")?.hasSuffix("empty': it is not empty") == true)
        fixture.options.allowsExisting = true
        try fixture.restore("web:top/l", to: "empty")
        #expect(try fixture.tree("empty") == ["a", "l"])
        fixture.options.allowsExisting = false
        #expect(fixture.failure("web:top/a", to: "new/name")?.hasSuffix("new/name': file exists") == true)
    }

    @Test("an object named by its own id has no name and no attributes")
    func object() throws {
        let file = try test.store(.chunk, Array("content".utf8)).description
        try fixture.restore(file, to: "out")
        #expect(try fixture.text("out") == "content")
        #expect(try fixture.mode("out") == 0o600)
        try fixture.restore(try test.store(.link, Array("goal".utf8)).description, to: "link")
        #expect(try fixture.linkTarget("link") == "goal")
        try System.makeFolders(fixture.folder["empty"], mode: 0o700)
        #expect(fixture.failure(file, to: "empty")?.contains("the object has no name") == true)
    }

    @Test("the destination must be absent or empty, unless told otherwise")
    func destination() throws {
        let id = try test.store([test.file("a", "1")]).description
        try fixture.folder.write("file", "in the way")
        #expect(fixture.failure(id, to: "file")?.hasSuffix("file': it is not a folder") == true)
        try fixture.folder.write("full/other", "stays")
        #expect(fixture.failure(id, to: "full")?.hasSuffix("full': it is not empty") == true)
        #expect(try fixture.tree("full") == ["other"])
        try System.makeFolders(fixture.folder["empty"], mode: 0o700)
        try fixture.restore(id, to: "empty")
        #expect(try fixture.tree("empty") == ["a"])
        fixture.options.allowsExisting = true
        try fixture.restore(id, to: "full")
        #expect(try fixture.tree("full") == ["a", "other"])
        #expect(fixture.failure(id, to: "file")?.hasSuffix("file': it is not a folder") == true)
    }

    @Test("nothing is restored into the repository or the cache, nor into it on the way")
    func foreign() throws {
        try fixture.folder.write("target/repo/blobs/x", "object")
        fixture.foreignFolders = [try fixture.status("target/repo").identity: "the repository"]
        fixture.options.allowsExisting = true
        fixture.options.deletes = true
        let id = try test.store([test.folder("repo", []), test.file("a", "1")]).description
        #expect(
            fixture.failure(id, to: "target/repo/blobs")?.contains("it lies inside the repository") == true
        )
        // Nor is anything made there.
        #expect(
            fixture.failure(id, to: "target/repo/new/below")?.contains("it lies inside the repository")
                == true
        )
        #expect(!fixture.exists("target/repo/new"))
        let result = try fixture.restore(id)
        #expect(try fixture.tree() == ["a", "repo", "repo/blobs", "repo/blobs/x"])
        #expect(result.failed == 0 && result.skipped == 1)
        #expect(fixture.takeWarnings() == ["not entering '\(fixture.target)/repo': the repository"])
        // Where the snapshot lacks what the repository is in, the repository stays all the same.
        #expect(try fixture.restore([test.file("a", "1")]).failed == 1)
        #expect(fixture.exists("target/repo/blobs/x"))
    }

    @Test("only one restore is at work in a destination")
    func locked() throws {
        try System.makeFolders(fixture.target, mode: 0o700)
        let other = try System.open(fixture.target.bytes, flags: O_RDONLY)
        #expect(System.tryLock(other.number))
        let id = try test.store([test.file("a", "1")]).description
        #expect(fixture.failure(id)?.hasSuffix("another restore is at work there") == true)
    }

    // MARK: - Dry runs and reading back

    @Test("a dry run reads folders only, writes nothing and tells the same")
    func dryRun() throws {
        let id = try test.store(sample()).description
        fixture.options.isDryRun = true
        let asked = Shared<Set<ObjectID>>([])
        fixture.source = HookedSource(base: test.repository) { id in asked.withLock { _ = $0.insert(id) } }
        let planned = try fixture.restore(id)
        #expect(!fixture.exists("target"))
        #expect(asked.value.allSatisfy { $0.catalog == .metadata })
        let lines = fixture.lines.withLock { lines in
            defer { lines = [] }
            return lines.sorted()
        }
        fixture.options.isDryRun = false
        let done = try fixture.restore(id)
        #expect(
            [planned.files, planned.folders, planned.links, Int(planned.size)]
                == [done.files, done.folders, done.links, Int(done.size)]
        )
        #expect(fixture.lines.withLock { $0.sorted() } == lines)
    }

    @Test("a dry run with verification fetches everything, finds damage, and writes nothing")
    func fetch() throws {
        let bad = try test.file("bad", "bad")
        let entries = try sample() + [bad]
        let id = try #require(bad.objectID)
        test.storage[id.objectName]?[110] ^= 1
        fixture.options.isDryRun = true
        fixture.options.verifies = true
        let result = try fixture.restore(entries)
        #expect(!fixture.exists("target"))
        #expect(result.files == 3 && result.failed == 1)
        #expect(
            fixture.takeWarnings().map { $0.hasPrefix("cannot read 'bad': \(id): ") } == [true]
        )
    }

    @Test("files are read back and compared when asked for")
    func verification() throws {
        fixture.options.verifies = true
        let chunks = [[UInt8](repeating: 1, count: 3000), [UInt8](repeating: 2, count: 3000)]
        let entries =
            try sample() + [chunkedFile("several", chunks), chunkedFile("other", chunks.reversed())]
        #expect(try fixture.restore(entries, to: "good").failed == 0)
        let (target, done) = (fixture.target.string, Counter())
        fixture.isInterrupted = { progress in
            if progress.isVerifying, done.next() == 0 {
                for (name, offset) in [("a", 4), ("several", 5999)] {
                    let file = try? System.open(Array("\(target)/\(name)".utf8), flags: O_WRONLY)
                    guard let file else { continue }
                    [UInt8(9)].withRawBytes { try? System.write($0, to: file.number, at: Int64(offset)) }
                    try? System.setTimes(access: nil, modification: RestoreFixture.time, of: file.number)
                }
                unlink("\(target)/empty")
            }
            return false
        }
        let result = try fixture.restore(entries)
        #expect(result.failed == 3)
        #expect(
            fixture.takeWarnings() == [
                "cannot verify '\(target)/a': its content differs",
                "cannot verify '\(target)/empty': it is not there",
                "cannot verify '\(target)/several': its content differs",
            ]
        )
    }

    @Test("what failed already is not reported again when the rest is read back")
    func verificationOfFailures() throws {
        fixture.options.verifies = true
        let result = try fixture.restore([
            test.file("a", "1"), TestRepository.entry("gone", .file),
            TestRepository.entry("closed", .directory),
        ])
        #expect(result.failed == 2)
        #expect(
            fixture.takeWarnings() == [
                "cannot read 'closed': it could not be read when it was saved",
                "cannot read 'gone': it could not be read when it was saved",
            ]
        )
        #expect(try fixture.tree() == ["a", "closed"])
    }

    // MARK: - Ends before the end

    @Test("an interrupted restore leaves whole files and no others, and can be started again")
    func interruption() throws {
        let entries = try (0..<60).map {
            try test.file("file-\($0)", String(repeating: "\($0)", count: 1000))
        }
        for calls in stride(from: 1, to: 110, by: 13) {
            fixture.watch.interrupt(after: calls)
            let kind = #expect(throws: RekkordError.self) { try fixture.restore(entries, to: "t\(calls)") }?
                .kind
            #expect(kind == .interrupted)
            for name in try fixture.tree("t\(calls)") {
                let number = name.dropFirst("file-".count)
                #expect(
                    try fixture.text("t\(calls)/\(name)") == String(repeating: String(number), count: 1000)
                )
            }
            fixture.watch.interrupt(after: nil)
            fixture.options.allowsExisting = true
            fixture.options.overwrite = .changed
            let before = try fixture.tree("t\(calls)").count
            let result = try fixture.restore(entries, to: "t\(calls)")
            #expect(result.files == 60 - before && result.skipped == before)
        }
    }

    @Test("what a killed restore left under temporary names is removed, and nothing else of that kind")
    func staleFiles() throws {
        fixture.options.allowsExisting = true
        let stale = ".rekkord-" + String(repeating: "a0", count: 12) + ".tmp"
        for name in [stale, "f/" + stale, "other/" + stale, ".rekkord-short.tmp"] {
            try fixture.folder.write("target/" + name, "half")
        }
        try fixture.restore([test.file("a", "1"), test.folder("f", [])])
        #expect(try fixture.tree() == [".rekkord-short.tmp", "a", "f", "other", "other/" + stale])
    }
}

extension RestoreFixture {
    /// The room that a file takes on the disk.
    func allocatedByteCount(_ name: String) throws -> Int {
        var status = stat()
        guard lstat(folder[name].string, &status) == 0 else { throw Errno(rawValue: errno) }
        return Int(status.st_blocks) * 512
    }
}
