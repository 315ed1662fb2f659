import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// Repositories that want a restore to do harm; in all of them `outside` must stay as it is.
@Suite struct HostileRestoreTests {
    private let fixture: RestoreFixture
    private var test: TestRepository { fixture.test }

    init() throws {
        fixture = try RestoreFixture()
        try fixture.folder.write("outside/secret", "stays", mode: 0o600)
        try System.makeFolders(fixture.folder["outside/empty"], mode: 0o711)
        fixture.options.allowsExisting = true
    }

    private var outside: String { fixture.folder["outside"].string }

    private func expectUntouched(_ location: SourceLocation = #_sourceLocation) throws {
        #expect(try fixture.tree("outside") == ["empty", "secret"], sourceLocation: location)
        #expect(try fixture.text("outside/secret") == "stays", sourceLocation: location)
        #expect(try fixture.mode("outside/secret") == 0o600, sourceLocation: location)
        #expect(try fixture.mode("outside/empty") == 0o711, sourceLocation: location)
        #expect(try fixture.tree(".").allSatisfy { $0.hasPrefix("outside") || $0.hasPrefix("target") })
    }

    @Test("bad and repeated names are refused and counted, the others are restored")
    func badNames() throws {
        let names: [[UInt8]] = [
            Array("..".utf8), Array(".".utf8), Array("../outside/secret".utf8), Array("a/b".utf8),
            Array("/etc/x".utf8),
            Array("nul\0tail".utf8), [], [UInt8](repeating: 0x78, count: 256), Array("outside/".utf8),
        ]
        let entries = try names.flatMap { name in
            [
                try test.file("", "evil"), try test.folder("", [test.file("in", "evil")]),
                try test.link("", "/etc"),
            ].map {
                Entry($0.attributes, name: name)
            }
        }
        let good = try test.file("good", "1")
        let result = try fixture.restore(entries + [good, good])
        #expect(try fixture.tree() == ["good"])
        #expect(result.files == 1 && result.failed == entries.count + 1)
        #expect(
            fixture.takeWarnings() == [
                "cannot restore 28 entries of '\(fixture.target)': bad or repeated name"
            ]
        )
        try expectUntouched()
    }

    @Test("bad saved paths are refused, the others are restored")
    func badRoots() throws {
        let file = try test.file("f", "evil")
        let roots = ["../outside/secret", "/outside", "a/../../outside/x", "a//b", "", "./x"].map {
            TestRepository.rooted(file, $0)
        }
        try test.snapshot("web", milliseconds: 1, roots + [TestRepository.rooted(file, "good/f")])
        #expect(try fixture.restore("web").failed == roots.count)
        #expect(try fixture.tree() == ["good", "good/f"])
        try expectUntouched()
    }

    @Test("names that differ only at their ends are different files")
    func similarNames() throws {
        let names = [
            "name", "name ", "name.", "name\n", "name\u{1}", "Name", String(repeating: "n", count: 254),
            String(repeating: "n", count: 255),
        ]
        #expect(try fixture.restore(names.map { try test.file($0, "content of \($0)") }).files == names.count)
        for name in names { #expect(try fixture.text("target/" + name) == "content of \(name)") }
    }

    @Test(
        "a link and a folder of one name never lead out",
        arguments: [true, false],
        BeneathOpening.allCases
    )
    func linkAndFolder(linkFirst: Bool, opening: BeneathOpening) throws {
        fixture.options.opening = opening
        let link = try test.link("x", outside)
        let folder = try test.folder(
            "x",
            [test.file("secret", "evil"), test.folder("empty", [], mode: 0o777)]
        )
        let result = try fixture.restore(linkFirst ? [link, folder] : [folder, link])
        #expect(result.failed == 1)
        #expect(try fixture.status("target/x").type == (linkFirst ? .symbolicLink : .directory))
        try expectUntouched()
    }

    @Test("a saved path below a link makes the link a folder")
    func linkAsParent() throws {
        let roots = [
            TestRepository.rooted(try test.link("x", outside), "a"),
            TestRepository.rooted(try test.file("x", "evil"), "a/secret"),
            TestRepository.rooted(try test.folder("s", [test.link("link", outside)]), "srv"),
            TestRepository.rooted(try test.folder("x", [], mode: 0o777), "srv/link/empty"),
        ]
        try test.snapshot("web", milliseconds: 1, roots)
        try fixture.restore("web")
        #expect(try fixture.status("target/a").type == .directory)
        #expect(try fixture.text("target/a/secret") == "evil")
        #expect(try fixture.status("target/srv/link").type == .directory)
        try expectUntouched()
    }

    @Test("links that are at the destination already are not followed", arguments: BeneathOpening.allCases)
    func existingLinks(opening: BeneathOpening) throws {
        fixture.options.opening = opening
        fixture.options.deletes = true
        try System.makeFolders(fixture.target, mode: 0o700)
        symlink(outside, fixture.folder["target/folder"].string)
        symlink(outside + "/secret", fixture.folder["target/file"].string)
        symlink(outside + "/made", fixture.folder["target/dangling"].string)
        let folder = try test.folder(
            "folder",
            [test.file("secret", "evil"), test.folder("empty", [], mode: 0o777)]
        )
        try fixture.restore([folder, test.file("file", "evil", mode: 0o666), test.file("dangling", "evil")])
        #expect(try fixture.text("target/folder/secret") == "evil")
        #expect(try fixture.status("target/file").type == .regular)
        try expectUntouched()
    }

    @Test(
        "a folder swapped for a link while it is restored leads nowhere else",
        arguments: BeneathOpening.allCases
    )
    func swappedFolder(opening: BeneathOpening) throws {
        fixture.options.opening = opening
        fixture.options.batchCount = 1
        let trigger = try test.file("a", "first")
        let id = try #require(trigger.objectID)
        let (target, outside) = (fixture.target.string, outside)
        // When its first file is fetched, the folder is open: others may be made in it, before and after the swap.
        fixture.source = HookedSource(base: test.repository) { asked in
            guard asked == id else { return }
            rename("\(target)/x", "\(target)/moved")
            symlink(outside, "\(target)/x")
        }
        let names = ["secret", "m", "n"]
        let inner = try test.folder("empty", names.map { try test.file($0, "evil") }, mode: 0o777)
        let folder = try test.folder(
            "x",
            [trigger, inner] + names.map { try test.file($0, "evil") },
            mode: 0o777
        )
        try fixture.restore([folder, test.file("last", "1")])
        #expect(
            try fixture.tree("target/moved") == [
                "a", "empty", "empty/m", "empty/n", "empty/secret", "m", "n", "secret",
            ]
        )
        #expect(try fixture.mode("target/moved") == 0o777)
        try expectUntouched()
    }

    @Test("a folder moved out of the destination ends in errors, and changes nothing around its new place")
    func movedFolder() throws {
        // Deep enough that the way back leads through `..`.
        var entry = try test.folder("d", [test.file("a", "1")], mode: 0o777)
        for _ in 0..<80 { entry = try test.folder("d", [entry], mode: 0o777) }
        let id = try #require(try test.file("a", "1").objectID)
        let (target, outside) = (fixture.target.string, outside)
        let swapped = Counter()
        fixture.source = HookedSource(base: test.repository) { asked in
            guard asked == id, swapped.next() == 0 else { return }
            rename("\(target)/d/d/d", "\(outside)/empty/d")
        }
        let result = try fixture.restore([entry, test.file("last", "1")])
        #expect(result.failed > 0)
        #expect(fixture.takeWarnings().contains { $0.hasSuffix("it was moved away") })
        #expect(try fixture.mode("outside/empty") == 0o711)
        #expect(try fixture.mode("outside") == 0o700 || fixture.mode("outside") == 0o755)
        #expect(fixture.exists("target/last"))
    }

    @Test("blobs of the wrong type are refused")
    func wrongTypes() throws {
        let chunk = try test.store(.chunk, [1, 2, 3])
        let link = try test.store(.link, Array("/etc".utf8))
        let table = try test.store(.file, FileTable.encode([], size: 0))
        let badLink = try test.store(.link, Array("nul\0".utf8))
        let result = try fixture.restore([
            TestRepository.entry("file-is-link", .file, hash: link.hash),
            TestRepository.entry("link-is-chunk", .link, hash: chunk.hash),
            TestRepository.entry("link-is-table", .link, hash: table.hash),
            TestRepository.entry("bad-link", .link, hash: badLink.hash),
            TestRepository.entry("folder-is-chunk", .directory, hash: chunk.hash),
        ])
        #expect(try fixture.tree() == ["folder-is-chunk"])
        #expect(result.failed == 5)
        #expect(fixture.takeWarnings().first == "cannot read 'bad-link': \(badLink): bad link target")
    }

    /// A table with these rows, stored as a file.
    private func table(_ rows: [FileTable.Chunk], size: Int64) throws -> Entry {
        TestRepository.entry("t", .file, hash: try test.store(.file, FileTable.encode(rows, size: size)).hash)
    }

    @Test("a table of 2^63 bytes is an error, or at most a hole")
    func hugeTable() throws {
        let hash = try test.store(.chunk, [1]).hash
        let huge = try table([.init(offset: .max - 1, byteCount: 1, hash: hash)], size: .max)
        let result = try fixture.restore([huge, test.file("a", "1")])
        if result.failed == 1 {
            #expect(try fixture.tree() == ["a"])
            #expect(fixture.takeWarnings() == ["cannot write '\(fixture.target)/t': File too large"])
        } else {
            #expect(try fixture.allocatedByteCount("target/t") <= 1 << 20)
        }
        let beyond = try table(
            [
                .init(offset: .max - 1, byteCount: 1, hash: hash),
                .init(offset: .max, byteCount: 1, hash: hash),
            ],
            size: .min
        )
        let negative = try table([.init(offset: -1, byteCount: 1, hash: hash)], size: 0)
        #expect(try fixture.restore([beyond], to: "target/b").failed == 1)
        #expect(try fixture.restore([negative], to: "target/c").failed == 1)
        #expect(fixture.takeWarnings().allSatisfy { $0.hasSuffix("malformed list of chunks") })
    }

    @Test("a chunk that is not as long as the table says is an error, and leaves no file")
    func wrongLength() throws {
        let hash = try test.store(.chunk, [1, 2, 3]).hash
        for byteCount in [2, 4, Int32.max] {
            let entry = try table(
                [
                    .init(offset: 0, byteCount: 3, hash: hash),
                    .init(offset: 3, byteCount: byteCount, hash: hash),
                ],
                size: 3 + Int64(byteCount)
            )
            #expect(try fixture.restore([entry]).failed == 1)
            #expect(try fixture.tree() == [])
        }
    }

    @Test("a folder that stands under an id that its own entries name is refused")
    func cycle() throws {
        let inner = try test.folder("inner", [test.file("a", "1")])
        let outer = try test.folder("outer", [inner])
        let (innerID, outerID) = (try #require(inner.objectID), try #require(outer.objectID))
        test.storage[innerID.objectName] = test.storage[outerID.objectName]
        let result = try fixture.restore([outer])
        #expect(result.failed == 1)
        #expect(fixture.takeWarnings() == ["cannot read 'outer/inner': \(innerID): hash mismatch"])
        #expect(try fixture.tree() == ["outer", "outer/inner"])
    }

    // MARK: - Size

    /// Folders of one entry each, made up when asked for: as deep as wanted, for nothing.
    private struct DeepSource: BlobSource {
        private let bottom = ByteBuffer(DirectoryBlob.encode(size: 0, entries: 0, children: []))
        private let level: [UInt8]

        init() {
            let entry = TestRepository.entry("d", .directory, hash: .zero, mode: 0o755)
            level = DirectoryBlob.encode(size: 0, entries: 0, children: [entry])
        }

        func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob {
            let depth = id.hash.withBytes { $0.loadUnaligned(as: Int.self) }
            guard depth > 0 else { return Blob(type: .directory, bytes: bottom) }
            let bytes = ByteBuffer(capacity: level.count) { bytes in
                bytes.copyBytes(from: level)
                bytes.storeBytes(of: depth - 1, toByteOffset: DirectoryBlob.headerByteCount, as: Int.self)
                return bytes.count
            }
            return Blob(type: .directory, bytes: bytes)
        }
    }

    private static func hash(of number: Int) -> Hash32 {
        var bytes = [UInt8](repeating: 0, count: Hash32.byteCount)
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return bytes.withRawBytes { Hash32($0) }
    }

    private func deep(_ depth: Int) -> [Entry] {
        [TestRepository.entry("d", .directory, hash: Self.hash(of: depth - 1), mode: 0o755)]
    }

    @Test("folders nested a million deep are walked through")
    func deepWalk() throws {
        fixture.source = DeepSource()
        fixture.options.isDryRun = true
        fixture.reportsLines = false
        let view = FolderView(stored: try directory(deep(1_000_000)), overlay: nil)
        let result = try fixture.restore(
            .init(.folder(.init(view: view, id: nil, item: nil)), name: "", SnapshotReader(fixture.source)),
            to: "target"
        )
        #expect(result.folders == 1_000_000 && result.failed == 0)
    }

    @Test("folders nested far deeper than paths can be are restored, with their modes and times")
    func deepRestore() throws {
        fixture.source = DeepSource()
        fixture.reportsLines = false
        let depth = 2000
        let view = FolderView(stored: try directory(deep(depth)), overlay: nil)
        let result = try fixture.restore(
            .init(.folder(.init(view: view, id: nil, item: nil)), name: "", SnapshotReader(fixture.source)),
            to: "target"
        )
        #expect(result.folders == depth && result.failed == 0)
        var current = try System.open(fixture.target.bytes, flags: O_RDONLY | O_DIRECTORY)
        for _ in 0..<depth {
            current = try System.open(Array("d".utf8), in: current.number, flags: O_RDONLY | O_DIRECTORY)
            let status = try System.status(of: current.number)
            #expect(status.permissions == 0o755 && status.modification.timestamp == RestoreFixture.time)
        }
        // What removes the folder of the test needs paths.
        var removal = TreeRemoval(.available, sparing: []) { false }
        let above = try System.open(fixture.folder.path.bytes, flags: O_RDONLY | O_DIRECTORY)
        try removal.remove(Array("target".utf8), in: above)
    }

    private func directory(_ entries: [Entry]) throws -> DirectoryBlob {
        let bytes = DirectoryBlob.encode(size: 0, entries: 0, children: entries)
        return try DirectoryBlob(Blob(type: .directory, bytes: ByteBuffer(bytes)))
    }

    @Test("a folder that only the innermost one refers to ends without recursion")
    func deepEnd() {
        var folder = TargetFolder(
            name: [],
            parent: nil,
            descriptor: nil,
            identity: nil,
            isNew: true,
            entry: nil
        )
        for _ in 0..<1_000_000 {
            folder = TargetFolder(
                name: [],
                parent: folder,
                descriptor: nil,
                identity: nil,
                isNew: true,
                entry: nil
            )
        }
        weak let innermost = folder
        folder = TargetFolder(name: [], parent: nil, descriptor: nil, identity: nil, isNew: true, entry: nil)
        #expect(innermost == nil)
    }

    @Test("a folder on 2^60 paths fills the disk until somebody ends it", arguments: [true, false])
    func shared(isDryRun: Bool) throws {
        var entry = try test.folder("a", [])
        for _ in 0..<60 {
            var twin = entry
            twin.name = Array("b".utf8)
            entry = try test.folder("a", [entry, twin])
        }
        fixture.options.isDryRun = isDryRun
        fixture.watch.interrupt(after: 500)
        let error = #expect(throws: RekkordError.self) { try fixture.restore([entry]) }
        #expect(error?.kind == .interrupted)
        try expectUntouched()
    }

    @Test("a chunk of many times its stored size is refused beyond the limit, and needs its turn below it")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: 40 << 20)
        let hash = try test.store(.chunk, zeros).hash
        let one = TestRepository.entry("one", .file, hash: hash)
        let rows = (0..<3).map {
            FileTable.Chunk(offset: Int64($0 * zeros.count), byteCount: Int32(zeros.count), hash: hash)
        }
        let table = try table(rows, size: Int64(3 * zeros.count))
        fixture.options.leavesHoles = true
        fixture.options.threadCount = 8
        let limits = Shared<[Int]>([])
        fixture.source = LimitRecorder(base: test.repository, limits: limits)
        #expect(try fixture.restore([one, table]).failed == 0)
        #expect(try fixture.status("target/t").size == 3 * UInt64(zeros.count))
        #expect(try fixture.allocatedByteCount("target/t") <= 1 << 20)
        // Unknown sizes are tried with the usual one first.
        #expect(limits.value.contains(8 << 20) && limits.value.contains(40 << 20))
    }

    private struct LimitRecorder: BlobSource {
        let base: any BlobSource
        let limits: Shared<[Int]>

        func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob {
            limits.withLock { $0.append(limit) }
            return try base.blob(id, limit: limit)
        }
    }
}
