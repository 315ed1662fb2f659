import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// What is at the destination already: replaced, kept, removed, or in the way.
@Suite struct RestoreExistingTests {
    private let fixture: RestoreFixture
    private var test: TestRepository { fixture.test }

    init() throws {
        fixture = try RestoreFixture()
        fixture.options.allowsExisting = true
    }

    private func setTime(_ name: String, offset: Int64 = 0) throws {
        let time = Timestamp(milliseconds: RestoreFixture.time.milliseconds + offset)
        let folder = try System.open(fixture.target.bytes, flags: O_RDONLY | O_DIRECTORY)
        try System.setTimes(access: nil, modification: time, ofLink: Array(name.utf8), in: folder.number)
    }

    /// `same` has size, time and mode of the snapshot's, and other content; the rest differs by what it is called.
    private func makeExisting() throws {
        for (name, content) in [
            ("same", "OLD"), ("size", "LONGER"), ("older", "OLD"), ("newer", "OLD"), ("mode", "OLD"),
        ] {
            try fixture.folder.write("target/" + name, content, mode: name == "mode" ? 0o600 : 0o644)
        }
        symlink("old", fixture.folder["target/link"].string)
        for (name, offset) in [
            ("same", 0), ("size", 0), ("older", -1000), ("newer", 1000), ("mode", 0), ("link", -1),
        ] {
            try setTime(name, offset: Int64(offset))
        }
    }

    private func entries() throws -> [Entry] {
        try ["same", "size", "older", "newer", "mode", "absent"].map { try test.file($0, "new") }
            + [test.link("link", "new")]
    }

    @Test(
        "existing files and links are replaced by the rule",
        arguments: [
            (.always, ["absent", "link", "mode", "newer", "older", "same", "size"]),
            (.changed, ["absent", "link", "mode", "newer", "older", "size"]),
            (.newer, ["absent", "link", "older"]),
            (.never, ["absent"]),
        ] as [(RestoreOptions.Overwrite, [String])]
    )
    func overwrite(rule: RestoreOptions.Overwrite, expected: [String]) throws {
        try makeExisting()
        fixture.options.overwrite = rule
        fixture.options.isDryRun = true
        let planned = try fixture.restore(entries())
        #expect(try fixture.text("target/older") == "OLD")
        fixture.options.isDryRun = false
        let result = try fixture.restore(entries())
        var replaced: [String] = []
        for name in ["absent", "mode", "newer", "older", "same", "size"]
        where try fixture.text("target/" + name) == "new" {
            replaced.append(name)
        }
        if try fixture.linkTarget("target/link") == "new" { replaced.append("link") }
        #expect(replaced.sorted() == expected)
        #expect(result.files + result.links == expected.count && result.skipped == 7 - expected.count)
        #expect(
            planned.files == result.files && planned.links == result.links
                && planned.skipped == result.skipped
        )
        #expect(try fixture.tree().count == 7)
        for name in expected {
            #expect(try fixture.status("target/" + name).modification.timestamp == RestoreFixture.time)
        }
    }

    @Test("a dry run fails where the restore does", arguments: [false, true])
    func plannedObstacles(isDryRun: Bool) throws {
        fixture.options.isDryRun = isDryRun
        fixture.options.overwrite = .never
        try fixture.folder.write("target/folder", "a file")
        let folder = try test.folder("folder", [test.file("a", "1")])
        #expect(try fixture.restore([folder]).failed == 1)
        #expect(fixture.takeWarnings() == ["cannot write '\(fixture.target)/folder': a file is in the way"])
        fixture.options.overwrite = .always
        try fixture.folder.write("target/file/in", "x")
        try System.makeFolders(fixture.target.appending("empty"), mode: 0o700)
        let result = try fixture.restore([test.file("empty", "1"), test.file("file", "1")])
        #expect(result.failed == 1 && result.files == 1)
        #expect(
            fixture.takeWarnings() == [
                "cannot write '\(fixture.target)/file': a folder that is not empty is in the way"
            ]
        )
    }

    @Test("a file that is kept is not touched, nor are other names of a file that is replaced")
    func hardLinks() throws {
        try makeExisting()
        link(fixture.folder["target/older"].string, fixture.folder["other-name"].string)
        fixture.options.overwrite = .newer
        let before = try fixture.status("target/newer").change
        try fixture.restore(entries())
        #expect(try fixture.text("other-name") == "OLD")
        #expect(try fixture.status("target/newer").change == before)
    }

    @Test("folders get mode and time by the same rule; what is new in them is restored")
    func folders() throws {
        for (rule, expected) in [(.never, 0o711), (.newer, 0o711), (.always, 0o750)]
            as [(RestoreOptions.Overwrite, UInt32)]
        {
            let name = "\(rule)"
            try System.makeFolders(fixture.folder[name + "/f"], mode: 0o700)
            chmod(fixture.folder[name + "/f"].string, 0o711)
            fixture.options.overwrite = rule
            try fixture.restore([test.folder("f", [test.file("a", "1")], mode: 0o750)], to: name)
            #expect(try fixture.mode(name + "/f") == expected, "\(rule)")
            #expect(try fixture.text(name + "/f/a") == "1")
        }
    }

    @Test("a folder that its owner may not write gets its files, and its mode back")
    func closedFolder() throws {
        try System.makeFolders(fixture.folder["target/f"], mode: 0o700)
        chmod(fixture.folder["target/f"].string, 0o500)
        defer { chmod(fixture.folder["target/f"].string, 0o700) }
        fixture.options.overwrite = .never
        let result = try fixture.restore([test.folder("f", [test.file("a", "1")], mode: 0o750)])
        #expect(result.failed == 0)
        #expect(try fixture.text("target/f/a") == "1")
        #expect(try fixture.mode("target/f") == 0o500)
    }

    @Test("set-uid and set-gid bits that a folder has stay when its mode is right otherwise")
    func folderBits() throws {
        try System.makeFolders(fixture.folder["target/f"], mode: 0o700)
        chmod(fixture.folder["target/f"].string, 0o2755)
        try fixture.restore([test.folder("f", [], mode: 0o755)])
        #expect(try fixture.mode("target/f") == 0o2755)
        try fixture.restore([test.folder("f", [], mode: 0o2750)])
        #expect(try fixture.mode("target/f") == 0o750)
    }

    // MARK: - In the way

    @Test("an empty folder gives way to a file or link; one with content only where removing was asked for")
    func folderInTheWay() throws {
        try System.makeFolders(fixture.folder["target/empty"], mode: 0o700)
        try System.makeFolders(fixture.folder["target/link"], mode: 0o700)
        try fixture.folder.write("target/full/deep/x", "stays")
        let entries = try [test.file("empty", "1"), test.file("full", "2"), test.link("link", "to")]
        let result = try fixture.restore(entries)
        #expect(try fixture.text("target/empty") == "1")
        #expect(try fixture.linkTarget("target/link") == "to")
        #expect(try fixture.text("target/full/deep/x") == "stays")
        #expect(result.failed == 1)
        #expect(
            fixture.takeWarnings() == [
                "cannot write '\(fixture.target)/full': a folder that is not empty is in the way"
            ]
        )
        #expect(try fixture.tree() == ["empty", "full", "full/deep", "full/deep/x", "link"])
        fixture.options.deletes = true
        #expect(try fixture.restore(entries).failed == 0)
        #expect(try fixture.text("target/full") == "2")
    }

    @Test("a file, a link or a pipe gives way to a folder, unless nothing may be replaced")
    func fileInTheWay() throws {
        try fixture.folder.write("target/file", "old")
        try fixture.folder.write("outside/secret", "stays")
        symlink(fixture.folder["outside"].string, fixture.folder["target/link"].string)
        mkfifo(fixture.folder["target/pipe"].string, 0o600)
        let entries = try ["file", "link", "pipe"].map { try test.folder($0, [test.file("secret", "new")]) }
        fixture.options.overwrite = .never
        #expect(try fixture.restore(entries).failed == 3)
        #expect(
            fixture.takeWarnings()
                == ["file", "link", "pipe"].map {
                    "cannot write '\(fixture.target)/\($0)': a file is in the way"
                }
        )
        fixture.options.overwrite = .always
        #expect(try fixture.restore(entries).failed == 0)
        for name in ["file", "link", "pipe"] { #expect(try fixture.text("target/\(name)/secret") == "new") }
        #expect(try fixture.text("outside/secret") == "stays")
    }

    // MARK: - Removing

    @Test("what the snapshot lacks is removed, and only in folders that were stored")
    func deletion() throws {
        let root = try test.folder("data", [test.file("a", "1"), test.folder("f", [test.file("b", "2")])])
        try test.snapshot("web", milliseconds: 1, [TestRepository.rooted(root, "srv/data")])
        for name in ["top", "srv/beside", "srv/data/old", "srv/data/f/x/y/z", "srv/data/gone/deep/1"] {
            try fixture.folder.write("target/" + name, "old")
        }
        try fixture.folder.write("outside/kept", "stays")
        symlink(fixture.folder["outside"].string, fixture.folder["target/srv/data/gone/link"].string)
        symlink(fixture.folder["outside"].string, fixture.folder["target/srv/data/link"].string)
        #expect(try fixture.restore("web").deleted == 0)
        fixture.options.deletes = true
        fixture.options.isDryRun = true
        #expect(try fixture.restore("web").deleted == 4)
        #expect(fixture.exists("target/srv/data/gone/deep/1"))
        fixture.options.isDryRun = false
        fixture.lines.withLock { $0 = [] }
        #expect(try fixture.restore("web").deleted == 4)
        #expect(
            try fixture.tree()
                == ["srv", "srv/beside", "srv/data", "srv/data/a", "srv/data/f", "srv/data/f/b", "top"]
        )
        #expect(try fixture.text("outside/kept") == "stays")
        #expect(
            fixture.lines.value.filter { $0.hasPrefix("[-]") }.sorted()
                == ["[-] srv/data/f/x/", "[-] srv/data/gone/", "[-] srv/data/link", "[-] srv/data/old"]
        )
    }

    @Test("nothing is removed in a folder of which something could not be read")
    func deletionInDamagedFolders() throws {
        fixture.options.deletes = true
        let bad = try test.folder("bad", [test.file("z", "9")])
        let hidden = try test.folder("hidden", [test.file("..", "1"), test.file("b", "2")])
        let entries = [
            bad, hidden, TestRepository.entry("closed", .directory), TestRepository.entry("gone", .file),
        ]
        test.storage[try #require(bad.objectID).objectName] = nil
        for name in ["bad/x", "hidden/x", "closed/x", "gone"] {
            try fixture.folder.write("target/" + name, "old")
        }
        let result = try fixture.restore(entries)
        #expect(
            try fixture.tree() == [
                "bad", "bad/x", "closed", "closed/x", "gone", "hidden", "hidden/b", "hidden/x",
            ]
        )
        #expect(result.deleted == 0 && result.failed == 4)
        #expect(try fixture.text("target/gone") == "old")
    }

    @Test("a tree of any depth is removed")
    func deepDeletion() throws {
        fixture.options.deletes = true
        try System.makeFolders(fixture.target, mode: 0o700)
        let name = [UInt8](repeating: UInt8(ascii: "d"), count: 200)
        var current = try System.open(fixture.target.bytes, flags: O_RDONLY | O_DIRECTORY)
        for _ in 0..<500 {
            try System.makeFolder(name, in: current.number, mode: 0o700)
            try System.makeFolder(Array("beside".utf8), in: current.number, mode: 0o700)
            current = try System.open(name, in: current.number, flags: O_RDONLY | O_DIRECTORY)
        }
        let result = try fixture.restore([test.file("a", "1")])
        #expect(result.deleted == 2 && result.failed == 0)
        #expect(try fixture.tree() == ["a"])
    }
}
