import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// The disk cache as somebody who reads blobs sees it, over a repository whose requests are counted.
@Suite struct ObjectCacheTests {
    private let folder: TemporaryDirectory
    private let watch = SaveFixture.Watch()
    private let made: TestRepository
    private let storage: FaultyStorage
    private let repository: Repository
    private static let page = 4096

    init() throws {
        folder = try TemporaryDirectory()
        made = try TestRepository()
        storage = FaultyStorage(made.storage)
        repository = try Repository.open(storage, keys: made.repository.keys)
        storage.forgetRequests()
    }

    /// A cache whose order of use is exact.
    private func cache(
        _ limits: ObjectCacheLimits = .total(1 << 20),
        folder other: FilePath? = nil,
        cacheID: [UInt8] = [7]
    ) throws -> ObjectCache {
        try ObjectCache(
            folder: other ?? folder["cache"],
            cacheID: cacheID,
            limits: limits,
            objectByteLimit: Repository.maxObjectByteCount,
            renewAfterSeconds: 0
        ) { [watch] in watch.add($0) }
    }

    /// Reads blobs through a cache of their own, closed at the end; returns how many requests were sent.
    @discardableResult
    private func read(_ ids: [ObjectID], _ cache: ObjectCache) throws -> Int {
        storage.forgetRequests()
        let blobs = CachedBlobs(repository, cache: cache)
        for id in ids {
            let blob = try blobs.get(id)
            #expect(blob.bytes.hasSameBytes(as: try made.repository.get(id).bytes))
        }
        cache.close()
        return storage.requests.count
    }

    /// Stores blobs of incompressible bytes that take one page each on disk.
    private func store(_ type: BlobType, _ count: Int) throws -> [ObjectID] {
        try (0..<count).map { number in
            var random = SeededRandom(UInt64(number + 1000 * Int(type.rawValue)))
            if type == .directory {
                return try made.store([
                    TestRepository.entry("f\(number)", .file, hash: SeededRandom(UInt64(number)).hash())
                ])
            }
            return try made.store(type, random.bytes(1000))
        }
    }

    /// All files below the folder, by path.
    private func files() throws -> [String] {
        guard (try? System.status(of: folder["cache"].bytes)) != nil else { return [] }
        return try files(in: folder["cache"], "").sorted()
    }

    private func files(in path: FilePath, _ prefix: String) throws -> [String] {
        try FolderListing.read(path.bytes).flatMap { entry in
            let name = String(decoding: entry.name, as: UTF8.self)
            return entry.type == .directory
                ? try files(in: path.appending(name), prefix + name + "/") : [prefix + name]
        }
    }

    private func path(_ id: ObjectID, _ letter: Character) -> FilePath {
        let text = id.description
        return folder["cache/objects.07/\(letter)\(text.dropFirst().prefix(2))/\(text)"]
    }

    // MARK: What it is for

    @Test("what was fetched once is not fetched again, by this or by another process")
    func keeps() throws {
        let ids = try store(.chunk, 3) + store(.directory, 3)
        #expect(try read(ids, cache()) == 6)
        #expect(try read(ids, cache()) == 0)
        let third = try cache()
        #expect(try read(ids + ids, third) == 0)
        #expect(third.counters.hits.value == 12)
        #expect(third.counters.misses.value == 0)
        #expect(watch.take() == [])
    }

    @Test("only its owner can look into it, and what lies there is encrypted")
    func isPrivate() throws {
        let id = try made.store(.chunk, Array("a secret that may not lie on any disk".utf8))
        try read([id], cache())
        #expect(try System.status(of: path(id, "D").bytes).permissions == 0o600)
        for path in [path(id, "D").removingLastComponent(), folder["cache/objects.07"], folder["cache"]] {
            #expect(try System.status(of: path.bytes).permissions == 0o700)
        }
        #expect(try WholeFile.read(path(id, "D"), limit: 1 << 20).bytes == made.storage[id.objectName])
    }

    @Test("links and lists of chunks are kept with the folders, chunks apart from them")
    func kinds() throws {
        let link = try made.store(.link, Array("target".utf8))
        let table = try made.store(.file, FileTable.encode([], size: 0))
        let chunk = try made.store(.chunk, [1, 2, 3])
        let limits = ObjectCacheLimits.separate(metadata: 1 << 20, content: 0)
        #expect(try read([link, table, chunk], cache(limits)) == 3)
        #expect(try read([link, table, chunk], cache(limits)) == 1)
        #expect(try files().count == 2)
    }

    // MARK: Bounds

    @Test("it stays within its limit, and what was used last stays")
    func bounded() throws {
        let ids = try store(.chunk, 40)
        var evictionCount = 0
        for id in ids {
            let cache = try cache(.total(20 * Self.page))
            // Used again and again, the first is always among the newest.
            try read([id, ids[0]], cache)
            evictionCount += cache.counters.evictions.value
            #expect(try files().count <= 20)
            // The times of files go in steps of a tick.
            usleep(10_000)
        }
        let kept = try files()
        #expect(kept.count >= 18)
        #expect(evictionCount == 40 - kept.count)
        let last = try cache(.total(20 * Self.page))
        #expect(try read([ids[0], ids[39], ids[38]], last) == 0)
        #expect(try read([ids[1]], cache(.total(20 * Self.page))) == 1)
    }

    @Test("one limit for both lets content go before any metadata")
    func order() throws {
        let folders = try store(.directory, 10)
        let chunks = try store(.chunk, 30)
        try read(folders + chunks, cache(.total(20 * Self.page)))
        #expect(try read(folders, cache(.total(20 * Self.page))) == 0)
        #expect(try files().count <= 20)
    }

    @Test("two limits are kept apart, and what has no limit is left alone")
    func separate() throws {
        let folders = try store(.directory, 10)
        let chunks = try store(.chunk, 10)
        try read(chunks, cache(.separate(metadata: 0, content: 1 << 20)))
        try read(folders, cache(.separate(metadata: 5 * Self.page, content: 0)))
        #expect(try files().filter { $0.contains("/M") }.count <= 5)
        #expect(try read(chunks, cache(.separate(metadata: 0, content: 1 << 20))) == 0)
        // Not even looked for without a limit.
        #expect(try read(chunks, cache(.separate(metadata: 1 << 20, content: 0))) == 10)
    }

    @Test("an object larger than the limit is not kept")
    func tooLarge() throws {
        var random = SeededRandom(1)
        let id = try made.store(.chunk, random.bytes(100_000))
        try read([id], cache(.total(10 * Self.page)))
        #expect(try files() == [])
    }

    @Test("two processes keep the sum of both within their limit, but for what neither knows yet")
    func shared() throws {
        let limits = ObjectCacheLimits.total(64 * Self.page)
        let chunks = try store(.chunk, 200)
        let one = try cache(limits)
        let two = try cache(limits)
        for (index, id) in chunks.enumerated() {
            _ = try CachedBlobs(repository, cache: index % 2 == 0 ? one : two).get(id)
        }
        one.close()
        two.close()
        #expect(try files().count <= 64 + 64 / 8 + 1)
        #expect(try files().count >= 32)
        #expect(one.counters.rejections.value + two.counters.rejections.value == 0)
        #expect(watch.take() == [])
    }

    // MARK: What others do to it

    /// What somebody may put in the place of an object.
    enum Tampering: CaseIterable {
        case cut, empty, flipped, grown, another, link, linkToNothing, folder, pipe
    }

    @Test(
        "whatever lies in the place of an object is noticed, and the object fetched",
        arguments: Tampering.allCases
    )
    func hostile(tampering: Tampering) throws {
        let ids = try store(.chunk, 2)
        try read(ids, cache())
        let path = path(ids[0], "D")
        var bytes = try WholeFile.read(path, limit: 1 << 20).bytes
        unlink(path.string)
        switch tampering {
        case .cut: bytes.removeLast(bytes.count / 2)
        case .empty: bytes = []
        case .flipped: bytes[bytes.count / 2] ^= 1
        case .grown: bytes += [0]
        case .another: bytes = try WholeFile.read(self.path(ids[1], "D"), limit: 1 << 20).bytes
        case .link: symlink(self.path(ids[1], "D").string, path.string)
        case .linkToNothing: symlink("/none", path.string)
        case .folder: mkdir(path.string, 0o700)
        case .pipe: mkfifo(path.string, 0o600)
        }
        if (try? System.status(of: path.bytes)) == nil {
            let file = try System.open(path.bytes, flags: O_WRONLY | O_CREAT, mode: 0o600)
            #expect(bytes.withUnsafeBytes { write(file.number, $0.baseAddress, $0.count) } == bytes.count)
        }
        #expect(try read(ids, cache()) == 1)
        // Nobody can remove a folder by mistake; everything else is replaced by the object.
        #expect(try read(ids, cache()) == (tampering == .folder ? 1 : 0))
        #expect(watch.take() == [])
    }

    @Test("a sparse file of any size costs no memory")
    func huge() throws {
        let id = try store(.chunk, 1)[0]
        try read([id], cache())
        #expect(truncate(path(id, "D").string, 1 << 40) == 0)
        #expect(try read([id], cache()) == 1)
    }

    @Test("links in the place of its folders are not followed")
    func linkedFolders() throws {
        let id = try store(.chunk, 1)[0]
        try read([id], cache())
        let shard = path(id, "D").removingLastComponent()
        #expect(rename(shard.string, folder["elsewhere"].string) == 0)
        symlink(folder["elsewhere"].string, shard.string)
        #expect(try read([id], cache()) == 1)
        #expect(try System.status(of: shard.bytes).type == .directory)
        #expect(try read([id], cache()) == 0)
    }

    @Test("a folder that vanishes while it is used is made again")
    func vanishes() throws {
        let ids = try store(.chunk, 2)
        let one = try cache()
        let blobs = CachedBlobs(repository, cache: one)
        _ = try blobs.get(ids[0])
        try ObjectCache.removeAll(in: folder["cache"])
        rmdir(folder["cache"].string)
        _ = try blobs.get(ids[1])
        one.close()
        #expect(try read([ids[1]], cache()) == 0)
        #expect(watch.take() == [])
    }

    @Test("where nothing can be written there is one warning, and reading goes on")
    func unwritable() throws {
        let ids = try store(.chunk, 5)
        let path = FilePath("/proc/none")
        #expect(try read(ids + ids, cache(folder: path)) == 10)
        #expect(watch.take() == ["cannot keep objects in '/proc/none': No such file or directory"])
    }

    // MARK: Ends

    @Test("another cache ID finds nothing, and the old objects go with its first write")
    func otherCacheID() throws {
        let ids = try store(.chunk, 3)
        try read(ids, cache())
        #expect(try read([ids[0]], cache(cacheID: [8])) == 1)
        #expect(try files().allSatisfy { $0.hasPrefix("objects.08/") })
    }

    @Test("a reset removes all objects and nothing else")
    func reset() throws {
        try read(store(.chunk, 3) + store(.directory, 3), cache())
        try folder.write("cache/cache.sqlite", "something else")
        try ObjectCache.removeAll(in: folder["cache"])
        #expect(try files() == ["cache.sqlite"])
    }

    @Test("what a process left unfinished long ago is removed")
    func stale() throws {
        let ids = try store(.chunk, 2)
        try read([ids[0]], cache())
        let shard = path(ids[0], "D").removingLastComponent()
        for (name, age) in [("tmp-1", 7200), ("tmp-2", 60)] {
            let file = try System.open(shard.appending(name).bytes, flags: O_WRONLY | O_CREAT, mode: 0o600)
            let time = timespec(tv_sec: FileStatus.Time.now().timespec.tv_sec - age, tv_nsec: 0)
            #expect(futimens(file.number, [time, time]) == 0)
        }
        try read([ids[1]], cache())
        #expect(try files().filter { $0.contains("tmp-") }.map { $0.suffix(5) } == ["tmp-2"])
    }
}

extension FileStatus.Time {
    fileprivate var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    }
}

extension SeededRandom {
    fileprivate func hash() -> Hash32 {
        var random = self
        return Hash32(random.bytes(Hash32.byteCount)) ?? .zero
    }
}
