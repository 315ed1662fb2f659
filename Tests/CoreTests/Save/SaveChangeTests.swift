import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// Files and folders that change while they are saved.
///
/// The change happens while the only worker stores the first chunk of `a`: the walk has listed everything by then, and
/// nothing behind `a` was opened.
@Suite struct SaveChangeTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
        fixture.options.threadCount = 1
        var random = SeededRandom(9)
        try fixture.write("a", random.bytes(12_000_000))
    }

    private func path(_ name: String) -> String { fixture.folder["tree/" + name].string }

    /// Saves while `change` happens, which is done once.
    private func save(changing change: @escaping @Sendable () -> Void) throws -> SaveResult {
        let isDone = Locked(false)
        fixture.storage.fail { _, request in
            let isFirst = isDone.withLock { isDone in
                guard request.name.hasPrefix("blobs/R/"), !isDone else { return false }
                isDone = true
                return true
            }
            if isFirst { change() }
            return nil
        }
        defer { fixture.storage.fail(nil) }
        return try fixture.save()
    }

    @Test(
        "a file that grows or shrinks is stored as read, and read again next time",
        arguments: [12_000_001, 7_000_000]
    )
    func sizeChanges(byteCount: Int) throws {
        let path = path("a")
        let result = try save { truncate(path, byteCount) }
        let entry = try #require(try fixture.entries(result)["a"])
        #expect(fixture.takeWarnings() == ["file '\(path)': it changed while it was read"])
        #expect(entry.attributes.size == byteCount)
        #expect(try fixture.content(entry).count == byteCount)
        #expect(result.size == byteCount && result.unreadable == 0)
        #expect(try fixture.bytesRead() == byteCount)
        #expect(fixture.takeWarnings() == [])
    }

    /// Leaves an attribute with a file or folder.
    private static func note(_ value: String, on path: String) throws {
        let file = try System.open(Array(path.utf8), flags: O_RDONLY)
        try System.setAttribute(Array("user.note".utf8), to: Array(value.utf8), of: file.number)
    }

    /// The attribute that an entry has.
    private func note(_ entry: Entry?) throws -> String? {
        try ExtendedAttributes.parse(try #require(entry).extended).first.map {
            String(decoding: $0.value, as: UTF8.self)
        }
    }

    @Test("attributes that change before a file is read are in the next snapshot")
    func attributes() throws {
        fixture.options.storesExtendedAttributes = true
        let path = try fixture.write("b", "text").string
        try Self.note("old", on: path)
        _ = try save { try? Self.note("new", on: path) }
        #expect(try note(fixture.entries(fixture.save())["b"]) == "new")
    }

    @Test("what vanishes before it is read is left out without a word")
    func vanishes() throws {
        let path = try fixture.write("b", "gone").string
        let result = try save { unlink(path) }
        #expect(try fixture.entries(result).keys.sorted() == ["", "a"])
        #expect(result.unreadable == 0)
        #expect(result.entries == 2)
        #expect(fixture.takeWarnings() == [])
    }

    @Test("what becomes a pipe, a link or a folder is left out with a warning, and nobody waits for the pipe")
    func replaced() throws {
        for name in ["b", "c", "d"] { try fixture.write(name, "gone") }
        let paths = ["b", "c", "d"].map(path)
        let result = try save {
            for path in paths { unlink(path) }
            mkfifo(paths[0], 0o600)
            symlink("a", paths[1])
            mkdir(paths[2], 0o700)
        }
        #expect(try fixture.entries(result).keys.sorted() == ["", "a"])
        #expect(result.unreadable == 0)
        #expect(
            fixture.takeWarnings()
                == paths.map { "leaving out '\($0)': it was replaced while it was saved" }
        )
        // The next save has them as they are now.
        let kinds = try fixture.entries(fixture.save()).mapValues(\.attributes.kind)
        #expect(kinds == ["": .directory, "a": .file, "b": .unknown, "c": .link, "d": .directory])
    }

    @Test(
        "a file that another one takes the place of is stored as the other one, with its attributes where they are wanted",
        arguments: [false, true]
    )
    func renamedOver(hasAttributes: Bool) throws {
        fixture.options.storesExtendedAttributes = hasAttributes
        let path = try fixture.write("b", "old").string
        let other = try fixture.folder.write("other", "newer").string
        try Self.note("of the old", on: path)
        try Self.note("of the newer", on: other)
        let result = try save { rename(other, path) }
        let entries = try fixture.entries(result)
        #expect(try note(entries["b"]) == (hasAttributes ? "of the newer" : nil))
        #expect(try fixture.text(entries["b"]) == "newer")
        #expect(entries["b"]?.attributes.size == 5)
        #expect(fixture.takeWarnings() == [])
        #expect(try fixture.text(fixture.entries(fixture.save())["b"]) == "newer")
    }

    @Test(
        "a folder that another one takes the place of is stored as that one, in place of anything else left out"
    )
    func folderReplaced() throws {
        unlink(path("a"))
        try fixture.write("a/file", "inside")
        let names = ["b", "c", "d"]
        for name in names { try fixture.write(name + "/inner", "x") }
        let paths = names.map(path)
        let away = names.map { fixture.folder["away " + $0].string }
        try fixture.folder.write("other/new", "newer")
        let other = fixture.folder["other"].string
        chmod(other, 0o705)
        fixture.options.storesExtendedAttributes = true
        try Self.note("of the old", on: paths[0])
        try Self.note("of the other", on: other)
        // The walk asks for the time once for the operand and once for each entry; the sixth is the file in `a`, when
        // all folders were listed and only that one was entered.
        let walk = pthread_self()
        let count = Locked(0)
        fixture.options.clock = { [clock = fixture.options.clock] in
            let isLast = count.withLock { count in
                if pthread_equal(pthread_self(), walk) != 0 { count += 1 }
                return count == 6
            }
            if isLast {
                for (path, away) in zip(paths, away) { rename(path, away) }
                rename(other, paths[0])
                symlink("a", paths[1])
                mkfifo(paths[2], 0o600)
            }
            return clock()
        }
        let result = try fixture.save()
        let entries = try fixture.entries(result)
        #expect(entries.keys.sorted() == ["", "a", "a/file", "b", "b/new"])
        #expect(try fixture.text(entries["b/new"]) == "newer")
        #expect(entries["b"]?.mode == 0o705)
        #expect(try note(entries["b"]) == "of the other")
        #expect(
            fixture.takeWarnings()
                == paths.dropFirst().map { "leaving out '\($0)': it was replaced while it was saved" }
        )
        #expect(result.unreadable == 0)
    }
}
