import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// What is left out of snapshots, and that the cache does not remember it wrongly.
@Suite struct SaveExcludeTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
        for name in ["a/one.c", "a/one.o", "b/two.c", "b/two.o", "b/sub/three.o", "top.o"] {
            try fixture.write(name, name)
        }
    }

    private func set(_ patterns: String...) throws {
        fixture.options.excludes = ExcludeRules()
        for pattern in patterns { try fixture.options.excludes.add(pattern.utf8) }
    }

    private func saved() throws -> (names: [String], excluded: Int) {
        let result = try fixture.save()
        return (try fixture.entries(result).keys.sorted().filter { !$0.isEmpty }, result.excluded)
    }

    @Test("what is left out is in no folder, and counted once")
    func counts() throws {
        try set("*.o", "/**/sub/")
        let (names, excluded) = try saved()
        #expect(names == ["a", "a/one.c", "b", "b/two.c"])
        // Not what is in the folder that was not entered.
        #expect(excluded == 4)
    }

    @Test("what is left out is neither looked at nor opened")
    func untouched() throws {
        // A file that cannot be read would be named, and a folder in it would be listed.
        try fixture.write("b/sub/closed/file", "x")
        chmod(fixture.folder["tree/b/sub"].string, 0)
        defer { chmod(fixture.folder["tree/b/sub"].string, 0o700) }
        mkfifo(fixture.folder["tree/pipe"].string, 0o600)
        try set("sub", "pipe")
        let result = try fixture.save()
        #expect(result.unreadable == 0 && result.excluded == 2)
        #expect(fixture.takeWarnings().isEmpty)
    }

    @Test("operands are never left out, what is below them is")
    func operands() throws {
        try set("tree", "b", "top.o")
        let top = fixture.folder["tree/top.o"]
        let result = try fixture.save(fixture.tree, fixture.folder["tree/b"], top)
        let roots = try fixture.roots(result).map { FilePath(bytes: $0.name).lastComponent?.string }
        #expect(roots == ["tree", "b", "top.o"])
        #expect(result.excluded == 2)
    }

    @Test("after every change of the patterns a save is what it would be without a cache")
    func changes() throws {
        let steps: [[String]] = [
            [], ["*.o"], ["*.c"], ["b/"], ["*.o", "!top.o"], ["b/sub"], ["b/two.o", "a"], [], ["sub/"], ["*"],
            [],
        ]
        for (index, patterns) in steps.enumerated() {
            fixture.options.excludes = ExcludeRules()
            for pattern in patterns { try fixture.options.excludes.add(pattern.utf8) }
            fixture.usesCache = true
            let cached = try fixture.save()
            fixture.usesCache = false
            let plain = try fixture.save()
            #expect(try fixture.rootHash(cached) == fixture.rootHash(plain), "step \(index)")
            #expect(cached.size == plain.size && cached.stored == plain.stored, "step \(index)")
            #expect(cached.entries == plain.entries && cached.excluded == plain.excluded, "step \(index)")
        }
    }

    @Test("a folder that is left out once costs reading only what is in it")
    func forgets() throws {
        #expect(try fixture.bytesRead() > 0)
        try set("sub")
        #expect(try fixture.bytesRead() == 0)
        try set()
        // The record of the folder itself is still there.
        #expect(try fixture.bytesRead() == 0)
    }

    @Test("of a folder with a valid tag only the tag is kept")
    func caches() throws {
        let signature = "Signature: 8a477f597d28d172789f06886806bc55"
        try fixture.write("a/CACHEDIR.TAG", signature + "\n# made by a test\n")
        try fixture.write("b/CACHEDIR.TAG", signature.dropLast() + "x")
        try fixture.write("c/file", "kept")
        mkfifo(fixture.folder["tree/c/CACHEDIR.TAG"].string, 0o600)
        fixture.link("d", to: "a")
        fixture.options.excludes.emptiesCaches = true
        let (names, excluded) = try saved()
        #expect(names.filter { $0.hasPrefix("a") } == ["a", "a/CACHEDIR.TAG"])
        #expect(names.contains("b/two.o") && names.contains("c/file"))
        #expect(excluded == 2)
        fixture.options.excludes.emptiesCaches = false
        #expect(try saved().names.contains("a/one.c"))
    }

    @Test("of a folder with a marker only the marker is kept, also where it is an operand")
    func markers() throws {
        try fixture.write("b/.nobackup", "")
        try fixture.write("b/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55")
        fixture.options.excludes.markers = [try EntryName(".nobackup".utf8), try EntryName("absent".utf8)]
        #expect(try saved().names.filter { $0.hasPrefix("b") } == ["b", "b/.nobackup"])
        fixture.options.excludes.emptiesCaches = true
        #expect(try saved().names.filter { $0.hasPrefix("b") } == ["b", "b/.nobackup", "b/CACHEDIR.TAG"])
        let result = try fixture.save(fixture.folder["tree/b"])
        #expect(try fixture.entries(result).keys.sorted() == ["", ".nobackup", "CACHEDIR.TAG"])
    }

    @Test("a walk that stays on one file system stores mount points as empty folders")
    func oneFileSystem() throws {
        let point = fixture.folder["tree/a/point"]
        mkdir(point.string, 0o700)
        let isMounted = mount("none", point.string, "tmpfs", 0, nil) == 0
        try #require(isMounted || geteuid() != 0, "root cannot mount tmpfs")
        guard isMounted else { return }
        defer { umount2(point.string, Int32(MNT_DETACH)) }
        try fixture.write("a/point/file", "elsewhere")
        fixture.link("link", to: "a/point")
        #expect(try saved().names.contains("a/point/file"))
        fixture.options.staysOnFileSystem = true
        let names = try saved().names
        #expect(names.contains("a/point") && !names.contains("a/point/file") && names.contains("a/one.c"))
        #expect(fixture.takeWarnings().isEmpty)
        // A link to elsewhere stays a link.
        fixture.options.followsLinks = true
        #expect(try fixture.entries(fixture.save())["link"]?.attributes.kind == .link)
        fixture.options.staysOnFileSystem = false
        #expect(try saved().names.contains("link/file"))
        // As an operand it is a file system of its own.
        fixture.options.staysOnFileSystem = true
        #expect(try fixture.entries(fixture.save(point)).keys.sorted() == ["", "file"])
    }
}
