import Core
import Foundation
import SystemPackage
import TestSupport
import Testing

/// reset_cache makes the next save look again at what is stored.
@Suite struct ResetCacheTests {
    private let folder: TemporaryDirectory
    private var program: Program

    init() throws {
        folder = try TemporaryDirectory()
        program = Program(in: folder.path)
        program.environment = [
            "REKKORD_REPOSITORY": folder["repo"].string, "REKKORD_KEY_FILE": folder["master.key"].string,
            "XDG_CACHE_HOME": folder["cache"].string,
        ]
        try #require(try program.run("init", "-g").status == 0)
        try folder.write("source/a", "content of a")
    }

    private func save() throws {
        let result = try program.run("save", "web", "source")
        #expect(result.status == 0, "\(result.error)")
    }

    /// The names of all data objects, such as `blobs/R/38/38…`.
    private func dataObjects() -> [String] {
        let names = FileManager.default.subpaths(atPath: folder["repo/blobs/R"].string) ?? []
        return names.filter { $0.utf8.count > 60 }.sorted()
    }

    private func removeDataObjects() throws {
        for name in dataObjects() {
            try FileManager.default.removeItem(atPath: folder["repo/blobs/R/\(name)"].string)
        }
    }

    @Test(
        "a blob that the cache wrongly knows is stored again after a reset",
        arguments: [[], ["--list"], ["--all"]]
    )
    func storedAgain(options: [String]) throws {
        try save()
        let objects = dataObjects()
        #expect(!objects.isEmpty)
        try removeDataObjects()
        try save()
        #expect(dataObjects().isEmpty)

        let result = try program.run(bytes: (["reset_cache"] + options).map { Array($0.utf8) })
        #expect(result.status == 0)
        #expect(result.output.isEmpty)
        #expect(result.error.isEmpty)
        try save()
        #expect(dataObjects() == objects)
    }

    @Test("every type of key may reset the cache", arguments: ["WriteOnly", "ReadWrite", "LogOnly"])
    func rights(type: String) throws {
        #expect(try program.run("derive", "-t", type, "-O", "derived.key").status == 0)
        #expect(try program.run("reset-cache", "-K", "derived.key", "--list", "--all").status == 0)
    }

    @Test("a cache that cannot be there is an error")
    func unusable() throws {
        try folder.write("file", "")
        let result = try program.run("reset_cache", "--cache-dir", "file")
        #expect(result.status == 1)
        #expect(result.error.hasPrefix("rekkord: error: cannot use cache '\(folder["file"].string)/"))
        #expect(result.error.hasSuffix("': Not a directory\n"))
    }

    @Test("change_cid makes every cache start anew")
    func changeCacheID() throws {
        try save()
        let objects = dataObjects()
        try removeDataObjects()
        #expect(try program.run("change_cid").status == 0)
        try save()
        #expect(dataObjects() == objects)
    }
}
