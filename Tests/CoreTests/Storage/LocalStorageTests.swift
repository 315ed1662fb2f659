@testable import Core
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct LocalStorageTests {
    private let folder: TemporaryDirectory
    private let storage: LocalStorage

    init() throws {
        folder = try TemporaryDirectory()
        storage = LocalStorage(folder["repo"])
        try storage.initialize([NewObject(name: "rekkord", bytes: [1, 2, 3])])
    }

    private func put(_ name: String, _ text: String, _ mode: WriteMode = .create) throws -> WriteOutcome {
        try Array(text.utf8).withUnsafeBytes { try storage.put(name, $0, mode) }
    }

    private func temporaryNames() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder["repo/tmp"].string)
    }

    @Test("a new place has the folders of the format and nothing temporary")
    func layout() throws {
        let root = folder["repo"].string
        let names = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
        #expect(names == ["blobs", "keys", "rekkord", "tags", "tmp"])
        for catalog in ["M", "R"] {
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: root + "/blobs/\(catalog)").count == 256
            )
        }
        #expect(try temporaryNames().isEmpty)
    }

    @Test("a place with content is refused and left alone")
    func occupied() throws {
        let again = #expect(throws: RekkordError.self) { try storage.initialize([]) }
        #expect(again?.kind == .exists)
        #expect(again?.message == "cannot initialise '\(folder.path.string)/repo': already initialised")
        let other = LocalStorage(folder.path)
        let error = #expect(throws: RekkordError.self) { try other.initialize([]) }
        #expect(error?.message == "cannot initialise '\(folder.path.string)': the folder is not empty")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path.string) == ["repo"])
    }

    @Test("where no folder can be made, or its content not be seen, nothing is initialised")
    func cannotMake() throws {
        let nowhere = LocalStorage("/proc/self/repo")
        let making = #expect(throws: RekkordError.self) { try nowhere.initialize([]) }
        #expect(making?.kind == .storage)
        #expect(making?.message == "cannot make '/proc/self/repo': No such file or directory")
        let file = LocalStorage(folder["repo/rekkord"])
        let listing = #expect(throws: RekkordError.self) { try file.initialize([]) }
        #expect(listing?.kind == .exists)
        #expect(listing?.message == "cannot initialise '\(folder["repo/rekkord"].string)': Not a directory")
        #expect(try storage.get("rekkord", limit: 3).array == [1, 2, 3])
    }

    @Test(
        "a copy that lacks the folder of temporary files gets it back; a repository that is gone is not made"
    )
    func withoutTemporaryFolder() throws {
        rmdir(folder["repo/tmp"].string)
        #expect(try put("blobs/M/00/00", "text") == .stored)
        #expect(try temporaryNames().isEmpty)
        rename(folder["repo"].string, folder["moved"].string)
        let error = #expect(throws: RekkordError.self) { try put("blobs/M/00/01", "text") }
        #expect(error?.kind == .missing)
        #expect(access(folder["repo"].string, F_OK) == -1)
    }

    @Test("a folder knows no locks")
    func locks() throws {
        #expect(storage.retention == nil)
        #expect(try storage.state(of: "rekkord", byteCount: 3).versionID == nil)
        let lock = ObjectLock(mode: .governance, until: Timestamp(milliseconds: 0))
        let error = #expect(throws: RekkordError.self) {
            try storage.extendLock("rekkord", versionID: nil, to: lock)
        }
        #expect(error?.kind == .unsupported)
        #expect(error?.message == "cannot extend the lock of 'rekkord': the storage knows no locks")
    }

    @Test("what a killed initialisation left is no content")
    func remains() throws {
        let files = FileManager.default
        let place = LocalStorage(folder["remains"])
        let temporary = "tmp/" + String(repeating: "a", count: 24) + ".tmp"
        try files.createDirectory(
            atPath: folder["remains/blobs/M/A7"].string,
            withIntermediateDirectories: true
        )
        try files.createDirectory(atPath: folder["remains/tmp"].string, withIntermediateDirectories: true)
        for name in ["cw", temporary] {
            #expect(files.createFile(atPath: folder["remains/\(name)"].string, contents: nil))
        }
        let objects = [NewObject(name: "cw", bytes: []), NewObject(name: "rekkord", bytes: [1])]
        for name in ["blobs/M/A7/A7", "tags/M/x", "tmp/notes", "other", "keys/x/y"] {
            let path = folder["remains/\(name)"]
            let parent = path.removingLastComponent().string
            try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
            #expect(files.createFile(atPath: path.string, contents: nil))
            let error = #expect(throws: RekkordError.self, "\(name)") { try place.initialize(objects) }
            #expect(error?.kind == .exists)
            #expect(files.fileExists(atPath: path.string))
            try files.removeItem(atPath: path.string)
            if name == "keys/x/y" { try files.removeItem(atPath: parent) }
        }
        try place.initialize(objects)
        #expect(try place.get("rekkord", limit: 1).array == [1])
        #expect(throws: RekkordError.self) { try place.initialize(objects) }
    }

    @Test("a failed initialisation removes what it made")
    func undo() throws {
        let place = LocalStorage(folder["other"])
        let bad = NewObject(name: "rekkord/below", bytes: [])
        #expect(throws: RekkordError.self) {
            try place.initialize([NewObject(name: "rekkord", bytes: []), bad])
        }
        #expect(!FileManager.default.fileExists(atPath: folder["other"].string))
    }

    @Test("create never replaces, replace does, and missing folders are made")
    func modes() throws {
        #expect(try put("tags/M/00/a", "x") == .stored)
        #expect(try put("tags/M/00/a", "y") == .exists)
        #expect(try storage.get("tags/M/00/a", limit: 10).array == Array("x".utf8))
        #expect(try put("tags/M/00/a", "z", .replace) == .stored)
        #expect(try storage.get("tags/M/00/a", limit: 10).array == Array("z".utf8))
        #expect(try temporaryNames().isEmpty)
    }

    @Test("reading tells missing, too large and odd objects apart")
    func reading() throws {
        func kind(_ name: String, limit: Int = 10) -> RekkordError.Kind? {
            #expect(throws: RekkordError.self) { try storage.get(name, limit: limit) }?.kind
        }
        #expect(kind("none") == .missing)
        #expect(kind("rekkord/none") == .missing)
        #expect(kind("rekkord", limit: 2) == .corrupted)
        #expect(kind("blobs") == .corrupted)
        mkfifo(folder["repo/blobs/M/00/pipe"].string, 0o600)
        #expect(kind("blobs/M/00/pipe") == .corrupted)
        #expect(try storage.get("rekkord", limit: 3).array == [1, 2, 3])
    }

    @Test("a batch shows its objects only when flushed, and tells which were there")
    func batch() throws {
        let batch = try storage.makeBatch()
        let outcomes = Locked<[String: WriteOutcome]>([:])
        _ = try put("blobs/R/01/b1", "old")
        for index in 0..<20 {
            let name = "blobs/R/\(index < 10 ? "00" : "01")/b\(index % 10)"
            Array("new\(index)".utf8).withUnsafeBytes { bytes in
                batch.put(name, bytes) { result in
                    outcomes.withLock { $0[name] = try? result.get() }
                }
            }
        }
        #expect(throws: RekkordError.self) { try storage.get("blobs/R/00/b0", limit: 10) }
        try batch.flush()
        #expect(outcomes.withLock { $0.count } == 20)
        #expect(outcomes.withLock { $0["blobs/R/01/b1"] } == .exists)
        #expect(outcomes.withLock { $0["blobs/R/00/b1"] } == .stored)
        #expect(try storage.get("blobs/R/01/b1", limit: 10).array == Array("old".utf8))
        #expect(try temporaryNames().isEmpty)
    }

    @Test("a dropped batch leaves nothing behind")
    func droppedBatch() throws {
        do {
            let batch = try storage.makeBatch()
            [1, 2].withUnsafeBytes { batch.put("blobs/M/00/x", $0) { _ in } }
        }
        #expect(try temporaryNames().isEmpty)
        #expect(throws: RekkordError.self) { try storage.get("blobs/M/00/x", limit: 100) }
    }

    @Test("a write that cannot end well fails its completion and the flush, and leaves nothing")
    func failedBatch() throws {
        let batch = try storage.makeBatch()
        let failures = Locked(0)
        [1].withUnsafeBytes { bytes in
            batch.put("rekkord/x", bytes) { if case .failure = $0 { failures.withLock { $0 += 1 } } }
            batch.put("blobs/M/00/y", bytes) { if case .failure = $0 { failures.withLock { $0 += 1 } } }
        }
        #expect(throws: RekkordError.self) { try batch.flush() }
        #expect(failures.withLock { $0 } == 1)
        try batch.flush()
        #expect(try storage.get("blobs/M/00/y", limit: 100).count == MemoryLayout<Int>.size)
        #expect(try temporaryNames().isEmpty)
    }

    @Test("files of saves that died long ago are removed, others stay")
    func staleFiles() throws {
        let old = "abcdefghijklmnopqrstuvwx.tmp"
        let young = "0bcdefghijklmnopqrstuvwx.tmp"
        let foreign = "notes.tmp"
        for name in [old, young, foreign] {
            let path = folder["repo/tmp/" + name].string
            #expect(FileManager.default.createFile(atPath: path, contents: Data()))
            let age: TimeInterval = name == young ? -3600 : -90000
            let date = Date(timeIntervalSinceNow: age)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        }
        _ = try storage.makeBatch()
        #expect(try Set(temporaryNames()) == [young, foreign])
    }

    @Test("a listing gives objects below the prefix, never temporary files")
    func listing() throws {
        _ = try put("blobs/M/00/a", "12")
        _ = try put("tags/P/x", "")
        #expect(FileManager.default.createFile(atPath: folder["repo/tmp/t"].string, contents: Data()))
        func names(_ prefix: String) throws -> [String] {
            var names: [String] = []
            try storage.list(prefix: prefix) { names.append("\($0.name) \($0.byteCount)") }
            return names.sorted()
        }
        #expect(try names("") == ["blobs/M/00/a 2", "rekkord 3", "tags/P/x 0"])
        #expect(try names("tags/") == ["tags/P/x 0"])
        #expect(try names("none/").isEmpty)
    }

    @Test("listing and reading tell one entity tag, which every change of the file changes")
    func entityTags() throws {
        let name = "blobs/M/00/a"
        let path = folder["repo/" + name].string
        _ = try put(name, "12")
        func tags() throws -> Set<String> {
            var listed: String?
            try storage.list(prefix: "blobs/") { listed = $0.entityTag }
            let read = try storage.read(name, limit: 100, isAgain: false).state.entityTag
            return [try #require(listed), try #require(read)]
        }
        let first = try tags()
        #expect(first.count == 1)
        #expect(try tags() == first)
        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
        // The kernel stamps files with a clock of a few milliseconds.
        usleep(20_000)
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.write(contentsOf: Data("34".utf8))
        try file.close()
        try FileManager.default.setAttributes([.modificationDate: try #require(date)], ofItemAtPath: path)
        let second = try tags()
        #expect(second.count == 1 && second != first)
        _ = try put(name, "34", .replace)
        #expect(try tags().isDisjoint(with: second))
    }
}
