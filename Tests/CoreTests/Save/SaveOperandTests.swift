import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct SaveOperandTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
    }

    private func roots(_ paths: FilePath...) throws -> [String] {
        let operands = try paths.map { try fixture.operand($0) }
        let result = try fixture.saver().save(operands, channel: Array("test".utf8))
        return try fixture.roots(result).map { PrintedName.escape($0.name) }
    }

    private func name(_ path: FilePath) -> String { String(path.string.dropFirst()) }

    @Test(
        "paths are made absolute and normal",
        arguments: [
            ("/a//b/./c/", "/a/b/c"), ("a/b", "/work/a/b"), (".", "/work"), ("/", "/"), ("//", "/"),
            ("/..", "/"), ("/usr/../usr/./bin", "/usr/bin"), ("..", "/"),
        ]
    )
    func normalises(path: String, expected: String) throws {
        let directory: FilePath = path.hasPrefix("..") ? "/usr" : "/work"
        #expect(try SaveOperand(FilePath(path), workingDirectory: directory).path.string == expected)
    }

    @Test("'..' behind a link is where the kernel says")
    func parentOfLink() throws {
        try fixture.write("real/inner/file", "x")
        try fixture.write("real/other", "y")
        fixture.link("link", to: "real/inner")
        let operand = try fixture.operand(fixture.tree.appending("link/../other"))
        let real = try #require(realpath(fixture.tree.string, nil))
        defer { free(real) }
        #expect(operand.path.string == String(cString: real) + "/real/other")
    }

    @Test("a '..' behind something that is not there is an error")
    func parentOfNothing() {
        #expect(throws: RekkordError.self) { try fixture.operand("/nowhere/../etc") }
    }

    @Test("roots are in the order given, and the same path is stored once")
    func orderAndRepetition() throws {
        try fixture.write("one/file", "1")
        try fixture.write("two", "2")
        let one = fixture.folder["tree/one"]
        let two = fixture.folder["tree/two"]
        #expect(try roots(two, one, one.appending("./"), two) == [name(two), name(one)])
    }

    @Test("what is named beside '/' is a root of its own, once, whatever rules leave out")
    func besideRoot() throws {
        let folder = try #require(
            ["/mnt", "/media"].first { (try? System.status(of: Array($0.utf8))) != nil }
        )
        try fixture.options.excludes.add(Array("/*".utf8))
        #expect(try roots("/", FilePath(folder)) == [String(folder.dropFirst())])
        #expect(try roots(FilePath(folder), "/") == [String(folder.dropFirst())])
        fixture.options.excludes = ExcludeRules()
        try fixture.options.excludes.add(Array("/[!m]*".utf8))
        fixture.options.staysOnFileSystem = true
        let names = try roots("/", FilePath(folder))
        #expect(names.filter { $0 == folder.dropFirst() }.count == 1)
    }

    @Test("a link's target is saved under the link's name")
    func link() throws {
        try fixture.write("target/file", "x")
        fixture.link("link", to: "target")
        let link = fixture.folder["tree/link"]
        let root = try #require(try fixture.roots(fixture.save(link)).first)
        #expect(PrintedName.escape(root.name) == name(link))
        #expect(root.attributes.kind == .directory)
        #expect(root.attributes.flags == [.stated, .readable])
    }

    @Test("a file can be an operand, and is not read again")
    func file() throws {
        let file = try fixture.write("file", "content")
        #expect(try fixture.text(fixture.roots(fixture.save(file)).first) == "content")
        let saver = try fixture.saver()
        _ = try saver.save([fixture.operand(file)], channel: [1])
        #expect(saver.progress.byteCount == 0)
    }

    @Test("missing and special operands end the save before anything is written")
    func refused() throws {
        try fixture.write("file", "x")
        mkfifo(fixture.folder["tree/pipe"].string, 0o600)
        fixture.link("dangling", to: "nowhere")
        for (name, reason) in [
            ("missing", "No such file or directory"), ("pipe", "special file"),
            ("dangling", "No such file or directory"),
        ] {
            let path = fixture.folder["tree/\(name)"]
            let error = #expect(throws: RekkordError.self) {
                try fixture.save(fixture.folder["tree/file"], path)
            }
            #expect(error?.message == "cannot read '\(path.string)': \(reason)")
        }
        #expect(fixture.test.storage.names == ["cw", "rekkord"])
    }
}
