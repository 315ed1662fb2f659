import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct SaverTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
    }

    private func makeTree() throws {
        try fixture.write("a.txt", "alpha")
        try fixture.write("empty", "")
        try fixture.write("folder/b.txt", "beta")
        try fixture.write("folder/deeper/c.txt", "gamma")
        fixture.link("link", to: "folder/b.txt")
        fixture.link("dangling", to: "/nowhere")
    }

    @Test("a tree reads back as it was")
    func readsBack() throws {
        try makeTree()
        let result = try fixture.save()
        let entries = try fixture.entries(result)
        #expect(
            entries.keys.sorted()
                == [
                    "", "a.txt", "dangling", "empty", "folder", "folder/b.txt", "folder/deeper",
                    "folder/deeper/c.txt", "link",
                ]
        )
        #expect(try fixture.text(entries["a.txt"]) == "alpha")
        #expect(try fixture.text(entries["empty"]) == "")
        #expect(try fixture.text(entries["folder/deeper/c.txt"]) == "gamma")
        #expect(try fixture.text(entries["link"]) == "folder/b.txt")
        let status = try System.status(of: fixture.folder["tree/a.txt"].bytes)
        let entry = try #require(entries["a.txt"]?.attributes)
        #expect(entry.kind == .file)
        #expect(entry.flags == [.stated, .readable])
        #expect(entry.mode == 0o600)
        #expect(entry.size == 5)
        #expect(entry.uid == status.uid)
        #expect(entry.mtime == status.modification.timestamp)
        #expect(entry.ctime == status.change.timestamp)
        #expect(entry.btime == status.birth?.timestamp)
        #expect(entry.atime.milliseconds == 0)
    }

    @Test("folders count what is below them")
    func counts() throws {
        try makeTree()
        let result = try fixture.save()
        let entries = try fixture.entries(result)
        // Of a folder, `size` is the number of folders right in it.
        #expect(entries[""]?.attributes.size == 1)
        #expect(entries["folder"]?.attributes.size == 1)
        #expect(entries["folder/deeper"]?.attributes.size == 0)
        let id = try #require(entries[""]?.objectID)
        let root = try DirectoryBlob(fixture.test.repository.get(id))
        #expect(root.totalSize == 14)
        #expect(root.totalEntries == 8)
        #expect(result.size == 14)
        #expect(result.entries == 9)
    }

    @Test("what was stored and added is what the objects take")
    func sizes() throws {
        try makeTree()
        let first = try fixture.save()
        let storage = fixture.test.storage
        func blobByteCount() -> Int64 {
            storage.names.filter { $0.hasPrefix("blobs/") }
                .reduce(0) { $0 + Int64(storage[$1]?.count ?? 0) }
        }
        #expect(first.stored == blobByteCount())
        #expect(first.added == blobByteCount())
        let second = try fixture.save()
        #expect(second.stored == first.stored)
        #expect(first.added + second.added == blobByteCount())
        let tag = try #require(try fixture.test.repository.listTags().tags.last)
        #expect(tag.snapshot == second.object)
        #expect(tag.stored == second.stored)
        #expect(tag.added == second.added)
        #expect(tag.size == 14)
    }

    @Test("the same tree gives the same folder object", arguments: [1, 2, 8], [true, false])
    func isReproducible(threadCount: Int, usesCache: Bool) throws {
        try makeTree()
        for number in 0..<50 { try fixture.write("many/\(number % 7)/\(number)", "content \(number % 11)") }
        let expected = try fixture.rootHash(fixture.save())
        fixture.options.threadCount = threadCount
        fixture.usesCache = usesCache
        #expect(try fixture.rootHash(fixture.save()) == expected)
    }

    @Test("entries are in the order of their name bytes")
    func order() throws {
        for name in ["b", "a", "B", "aa", "é", "a.b"] { try fixture.write(name, "") }
        let root = try DirectoryBlob(
            fixture.test.repository.get(ObjectID(.metadata, fixture.rootHash(fixture.save())))
        )
        let names = (0..<root.count).map { String(decoding: root.name(at: $0), as: UTF8.self) }
        #expect(names == ["B", "a", "a.b", "aa", "b", "é"])
    }

    @Test("a large file is cut the same by any number of threads", arguments: [1, 2, 5])
    func largeFile(threadCount: Int) throws {
        var random = SeededRandom(7)
        let bytes = random.bytes(20_000_000)
        try fixture.write("large", bytes)
        fixture.options.threadCount = threadCount
        fixture.usesCache = false
        let entry = try #require(try fixture.entries(fixture.save())["large"])
        let id = try #require(entry.objectID)
        let blob = try fixture.test.repository.get(id)
        #expect(blob.type == .file)
        #expect(try fixture.content(entry) == bytes)
        let salt = try #require(fixture.test.repository.keys.splitterSalt)
        var reader = ChunkReader(Splitter(.stable, salt: salt))
        var position = 0
        var lengths: [Int] = []
        while let length = reader.next(
            read: { buffer in
                let count = min(buffer.count, bytes.count - position)
                buffer.copyBytes(from: bytes[position..<position + count])
                position += count
                return count
            },
            { $0.count }
        ) {
            lengths.append(length)
        }
        let table = try FileTable(blob.bytes)
        #expect((0..<table.count).map { Int(table.chunk(at: $0).byteCount) } == lengths)
    }

    @Test("the original's cut points are used where they are asked for")
    func originalCuts() throws {
        var random = SeededRandom(8)
        try fixture.write("large", random.bytes(12_000_000))
        let ours = try fixture.entries(fixture.save())["large"]
        fixture.options.chunking = .rekkord
        let theirs = try fixture.entries(fixture.save())["large"]
        #expect(ours != nil)
        #expect(ours?.attributes.hash != theirs?.attributes.hash)
        #expect(try ours.map { try fixture.content($0) } == theirs.map { try fixture.content($0) })
    }

    @Test("special files are kept without content, and nobody waits for a pipe")
    func specialFiles() throws {
        mkfifo(fixture.folder["tree/pipe"].string, 0o600)
        let result = try fixture.save()
        let entry = try #require(try fixture.entries(result)["pipe"]?.attributes)
        #expect(entry.kind == .unknown)
        #expect(entry.flags == .stated)
        #expect(entry.hash == .zero)
        #expect(entry.size == 0)
        #expect(result.entries == 1)
        #expect(result.unreadable == 0)
        let path = fixture.folder["tree/pipe"].string
        #expect(fixture.takeWarnings() == ["cannot store the content of '\(path)': special file"])
    }

    @Test("access times are stored only when asked for")
    func accessTimes() throws {
        try fixture.write("file", "x")
        fixture.options.storesAccessTimes = true
        let status = try System.status(of: fixture.folder["tree/file"].bytes)
        let entry = try #require(try fixture.entries(fixture.save())["file"]?.attributes)
        #expect(entry.flags == [.stated, .readable, .accessTime])
        #expect(entry.atime == status.access.timestamp)
    }

    @Test("foreign folders below an operand are stored empty, but not the operand itself")
    func foreignFolders() throws {
        try fixture.write("inner/file", "x")
        let inner = try System.status(of: fixture.folder["tree/inner"].bytes).identity
        let root = try System.status(of: fixture.tree.bytes).identity
        fixture.foreignFolders = [inner: "the repository", root: "the cache"]
        let entries = try fixture.entries(fixture.save())
        #expect(entries.keys.sorted() == ["", "inner"])
        #expect(entries["inner"]?.attributes.flags == [.stated, .readable])
        let path = fixture.folder["tree/inner"].string
        #expect(fixture.takeWarnings() == ["not entering '\(path)': the repository"])
    }

    @Test("an object without a snapshot is a folder or a file")
    func withoutSnapshot() throws {
        try makeTree()
        let hash = try fixture.rootHash(fixture.save())
        let tags = try fixture.test.repository.listTags().tags.count
        let folder = try fixture.saver().store(fixture.operand(fixture.tree))
        #expect(folder.object == ObjectID(.metadata, hash))
        #expect(folder.channel == nil)
        #expect(folder.time == nil)
        let file = try fixture.saver().store(fixture.operand(fixture.folder["tree/a.txt"]))
        let id = try #require(file.object)
        #expect(id.catalog == .raw)
        #expect(try fixture.test.repository.get(id).bytes.array == Array("alpha".utf8))
        #expect(try fixture.test.repository.listTags().tags.count == tags)
    }
}
