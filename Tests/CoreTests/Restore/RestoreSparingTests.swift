import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// What a restore leaves alone, and what it says of the rest.
@Suite struct RestoreSparingTests {
    let fixture: RestoreFixture
    var test: TestRepository { fixture.test }

    init() throws {
        fixture = try RestoreFixture()
        fixture.options.allowsExisting = true
    }

    @Test("a repository that was stored as an empty folder is not emptied; an empty folder is")
    func repository() throws {
        fixture.options.deletes = true
        for name in ["r/rekkord", "r/blobs/x", "r/tags/x", "e/blobs/x"] {
            try fixture.folder.write("target/" + name, "x")
        }
        let result = try fixture.restore([test.folder("r", []), test.folder("e", [])])
        #expect(try fixture.tree() == ["e", "r", "r/blobs", "r/blobs/x", "r/rekkord", "r/tags", "r/tags/x"])
        #expect(result.deleted == 1 && result.failed == 0)
        #expect(fixture.takeWarnings().map { $0.contains("it is a repository") } == [true])
    }

    @Test("a link with another target is replaced though its time is the same", arguments: [false, true])
    func changedLink(isSame: Bool) throws {
        let link = try test.link("l", "one")
        try System.makeFolders(fixture.target, mode: 0o755)
        let folder = try System.open(fixture.target.bytes, flags: O_RDONLY | O_DIRECTORY)
        let name = Array("l".utf8)
        try System.makeLink(name, in: folder.number, to: Array((isSame ? "one" : "two").utf8))
        try System.setTimes(access: nil, modification: link.mtime, ofLink: name, in: folder.number)
        fixture.options.overwrite = .changed
        let result = try fixture.restore([link])
        #expect(try fixture.linkTarget("target/l") == "one")
        #expect(result.skipped == (isSame ? 1 : 0))
    }

    @Test(
        "a folder that gives way to a file is named and counted, in a dry run too",
        arguments: [true, false]
    )
    func folderGivesWay(isDryRun: Bool) throws {
        try fixture.folder.write("target/x/y/z", "1")
        fixture.options.deletes = true
        fixture.options.isDryRun = isDryRun
        let result = try fixture.restore([test.file("x", "file")])
        #expect(result.deleted == 1 && result.failed == 0)
        #expect(fixture.lines.value.sorted() == ["[-] x/", "[F] x"])
        #expect(try fixture.tree() == (isDryRun ? ["x", "x/y", "x/y/z"] : ["x"]))
    }

    @Test("a folder goes as a whole or not at all, and a dry run knows", arguments: [true, false])
    func allOrNothing(isDryRun: Bool) throws {
        for name in ["x/a", "x/spared/b", "y/a"] { try fixture.folder.write("target/" + name, "1") }
        let spared = try fixture.status("target/x/spared").identity
        fixture.foreignFolders = [spared: "the cache"]
        fixture.options.deletes = true
        fixture.options.isDryRun = isDryRun
        let result = try fixture.restore([])
        #expect(result.failed == 1 && result.deleted == 1)
        let kept = ["x", "x/a", "x/spared", "x/spared/b"]
        #expect(try fixture.tree() == kept + (isDryRun ? ["y", "y/a"] : []))
    }

    @Test("a new destination gives nobody more than the folder gave")
    func privateFolder() throws {
        let folder = try test.folder("private", [test.file("f", "x")], mode: 0o700)
        try test.snapshot("c", milliseconds: 1000, [TestRepository.rooted(folder, "home/private")])
        try fixture.restore("c:home/private", to: "one")
        try fixture.restore("c:home", to: "two")
        #expect(try fixture.mode("one") == 0o700)
        mkdir(fixture.folder["three"].string, 0o777)
        #expect(try fixture.mode("two") == fixture.mode("three"))
    }

    @Test("a file takes the place of no pipe or device, and a folder not that of a link to nothing")
    func specialDestination() throws {
        let file = try test.file("f", "x")
        try test.snapshot("c", milliseconds: 1000, [TestRepository.rooted(file, "f"), test.folder("d", [])])
        mkfifo(fixture.folder["pipe"].string, 0o600)
        symlink("pipe", fixture.folder["link"].string)
        symlink("nowhere", fixture.folder["dangling"].string)
        for name in ["pipe", "link"] {
            #expect(fixture.failure("c:f", to: name)?.hasSuffix("it is a special file") == true)
        }
        #expect(try fixture.status("pipe").type == .special)
        #expect(
            fixture.failure("c:d", to: "dangling")?.hasSuffix("it is a link to what is not there") == true
        )
    }
}
