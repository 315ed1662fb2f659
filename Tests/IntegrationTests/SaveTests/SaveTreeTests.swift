import Core
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Trees that strain a walk, saved by the program and read back by the library.
@Suite struct SaveTreeTests {
    private let setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
    }

    private func run(_ options: String...) throws -> Program.Result {
        try setup.program.run(bytes: (["save"] + options + ["web", "tree"]).map { Array($0.utf8) })
    }

    private func repository() throws -> Repository {
        let keys = try KeyFile.load(setup.folder["master.key"])
        return try Repository.open(LocalStorage(setup.folder["repo"]), keys: keys)
    }

    /// The entries right below the saved folder in the newest snapshot.
    private func entries() throws -> (Repository, [Entry]) {
        let repository = try repository()
        let tag = try #require(try repository.listTags().newest(of: Array("web".utf8)))
        let root = try SnapshotBlob(repository.get(tag.snapshot)).roots[0]
        let folder = try DirectoryBlob(repository.get(try #require(root.objectID)))
        return (repository, (0..<folder.count).map { folder.entry(at: $0) })
    }

    @Test("names of any bytes are saved as they are")
    func oddNames() throws {
        let names: [[UInt8]] = [
            [0xFF, 0xFE], Array("new\nline".utf8), Array(" ".utf8), [UInt8](repeating: 0x78, count: 255),
            Array("-f".utf8), [0x01],
        ]
        for name in names {
            let path = setup.folder["tree"].bytes + [UInt8(ascii: "/")] + name
            _ = try System.open(path, flags: O_CREAT | O_WRONLY, mode: 0o600)
        }
        #expect(try run().status == 0)
        let (_, entries) = try entries()
        let expected = (names + [Array("a".utf8), Array("folder".utf8)])
            .sorted { $0.lexicographicallyPrecedes($1) }
        #expect(entries.map(\.name) == expected)
    }

    @Test("times before 1970 and after 2106 and all permission bits are kept, to the millisecond")
    func timesAndModes() throws {
        try setup.folder.write("tree/old", "")
        try setup.folder.write("tree/late", "")
        let line = """
            touch -d '1969-12-31 23:59:59.9995 UTC' tree/old && touch -d '2150-01-01 00:00:00.25 UTC' tree/late
            chmod 7641 tree/a && chmod 1777 tree/folder
            """
        #expect(try Program.shell(in: setup.folder.path, line).status == 0)
        #expect(try run().status == 0)
        let (_, entries) = try entries()
        func entry(_ name: String) throws -> EntryAttributes {
            try #require(entries.first { $0.name == Array(name.utf8) }).attributes
        }
        #expect(try entry("old").mtime.milliseconds == -1)
        #expect(try entry("late").mtime.milliseconds == 5_680_281_600_250)
        #expect(try entry("a").mode == 0o7641)
        #expect(try entry("folder").mode == 0o1777)
    }

    @Test("a tree deeper than any path can be is saved whole")
    func deep() throws {
        let depth = 3000
        let name = [UInt8](repeating: UInt8(ascii: "d"), count: 200)
        var current = try System.open(setup.folder["tree"].bytes, flags: O_RDONLY | O_DIRECTORY)
        for _ in 0..<depth {
            System.withCString(name) { path in #expect(mkdirat(current.number, path, 0o700) == 0) }
            current = try System.open(name, in: current.number, flags: O_RDONLY | O_DIRECTORY)
        }
        _ = try System.open(Array("bottom".utf8), in: current.number, flags: O_CREAT | O_WRONLY, mode: 0o600)
        // What removes the test's folder walks by path.
        defer { _ = try? Program.shell(in: setup.folder.path, "rm -rf tree") }
        for _ in 0..<2 { #expect(try run().status == 0) }
        var (repository, entries) = try entries()
        var level = 0
        while let next = entries.first(where: { $0.name == name }) {
            let folder = try DirectoryBlob(repository.get(try #require(next.objectID)))
            entries = (0..<folder.count).map { folder.entry(at: $0) }
            level += 1
        }
        #expect(level == depth)
        #expect(entries.map(\.name) == [Array("bottom".utf8)])
    }

    @Test("a sparse file reads as its zeros")
    func sparse() throws {
        #expect(truncate(setup.folder["tree/a"].string, 100_000_000) == 0)
        #expect(try run().status == 0)
        let (repository, entries) = try entries()
        let entry = try #require(entries.first { $0.name == Array("a".utf8) })
        #expect(entry.attributes.size == 100_000_000)
        let table = try FileTable(try repository.get(try #require(entry.objectID)).bytes)
        #expect(table.size == 100_000_000)
        // All but the first and the last chunk are the same zeros.
        #expect(Set((1..<table.count - 1).map { table.chunk(at: $0).hash }).count == 1)
    }

    @Test("access times stay as they are when asked for")
    func accessTimes() throws {
        let line = "touch -a -d '2001-01-01 UTC' tree tree/a tree/folder"
        #expect(try Program.shell(in: setup.folder.path, line).status == 0)
        func accessTimes() throws -> [Int64] {
            try ["tree", "tree/a", "tree/folder"].map {
                try System.status(of: setup.folder[$0].bytes).access.seconds
            }
        }
        #expect(try run("--noatime").status == 0)
        #expect(try accessTimes() == [978_307_200, 978_307_200, 978_307_200])
    }

    @Test("extended attributes and access lists are stored when asked for")
    func attributes() throws {
        let line = "setfattr -n user.colour -v blue tree/a && setfacl -m u:1234:r tree/a"
        let result = try Program.shell(in: setup.folder.path, line)
        try #require(result.status == 0, "needs attr and acl: \(result.error)")
        #expect(try run().status == 0)
        #expect(try entries().1[0].extended.isEmpty)
        #expect(try run("--meta", "xattrs").status == 0)
        let found = try ExtendedAttributes.parse(try entries().1[0].extended)
        let texts = found.map { String(decoding: $0.key + [0x3D] + $0.value, as: UTF8.self) }
        #expect(texts.contains("user.colour=blue"))
        let list = "rk.acl1=user::rw-\nuser:1234:r--\ngroup::---\nmask::r--\nother::---"
        #expect(texts.contains(list), "\(texts)")
    }
}
