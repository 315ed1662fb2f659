import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct LocalCacheTests {
    private let folder: TemporaryDirectory
    private let watch = SaveFixture.Watch()
    private static let cacheID = [UInt8](repeating: 7, count: 16)
    private static let blob = LocalCache.StoredBlob(id: ObjectID(.raw, .zero), byteCount: 123)
    private static let key = LocalCache.FolderKey.root.appending(Array("home".utf8))

    init() throws {
        folder = try TemporaryDirectory()
    }

    private var path: FilePath { folder["cache"].appending(LocalCache.fileName) }

    private func open(_ cacheID: [UInt8] = cacheID) throws -> LocalCache {
        try LocalCache(folder: folder["cache"], cacheID: cacheID) { [watch] in watch.add($0) }
    }

    private func record() -> LocalCache.NewRecord {
        let builder = FolderRecord.Builder(
            .init(splitter: 1, metadata: 2),
            isComplete: true,
            hash: .zero,
            stored: 9
        )
        return .init(folder: Self.key, parts: builder.finish())
    }

    @Test("what is remembered is there for the next run, for the user alone")
    func remembers() throws {
        #expect(try open().remember(blobs: [Self.blob], records: [record()]))
        let cache = try open()
        #expect(cache.storedByteCount(of: Self.blob.id) == 123)
        #expect(cache.storedByteCount(of: ObjectID(.metadata, .zero)) == nil)
        #expect(cache.record(of: Self.key)?.stored == 9)
        #expect(cache.record(of: .root) == nil)
        #expect(try System.status(of: path.bytes).permissions == 0o600)
        #expect(try System.status(of: folder["cache"].bytes).permissions == 0o700)
        #expect(watch.take() == [])
    }

    @Test("another cache ID empties the cache")
    func cacheID() throws {
        let cache = try open()
        cache.remember(blobs: [Self.blob], records: [record()])
        cache.markExhaustive()
        let other = try open([1])
        #expect(other.storedByteCount(of: Self.blob.id) == nil)
        #expect(other.record(of: Self.key) == nil)
        #expect(!other.isExhaustive)
    }

    @Test("a reset forgets blobs and folders")
    func reset() throws {
        let cache = try open()
        cache.remember(blobs: [Self.blob], records: [record()])
        cache.markExhaustive()
        try cache.reset(all: false)
        #expect(cache.storedByteCount(of: Self.blob.id) == nil)
        #expect(cache.record(of: Self.key) == nil)
        #expect(!cache.isExhaustive)
    }

    @Test("two processes may use it at once")
    func shared() throws {
        let one = try open()
        let two = try open()
        one.remember(blobs: [Self.blob], records: [])
        #expect(two.storedByteCount(of: Self.blob.id) == 123)
        two.remember(blobs: [], records: [record()])
        #expect(one.record(of: Self.key) != nil)
        #expect(watch.take() == [])
    }

    @Test("a file that is no database is set aside, with one warning")
    func damaged() throws {
        try folder.write("cache/\(LocalCache.fileName)", [UInt8](repeating: 0x55, count: 8192))
        let cache = try open()
        #expect(cache.remember(blobs: [Self.blob], records: []))
        let other = "\(path.string).damaged"
        #expect(
            watch.take() == [
                "cannot use cache '\(path.string)': database is damaged, set aside as '\(other)'"
            ]
        )
        #expect(try System.status(of: Array(other.utf8)).size == 8192)
    }

    @Test("damage that shows later ends the cache with one warning, and the next run starts anew")
    func damagedLater() throws {
        let blobs = (0..<5000).map { number in
            LocalCache.StoredBlob(id: ObjectID(.raw, SeededRandom.hash(number)), byteCount: 1)
        }
        // Closing moves everything from the log to the file.
        do { try open().remember(blobs: blobs, records: [record()]) }
        var bytes = try folder.read("cache/\(LocalCache.fileName)")
        // The schema and the roots of the tables stay.
        for index in bytes.indices.dropFirst(5 * 4096) { bytes[index] = 0xAA }
        try folder.write("cache/\(LocalCache.fileName)", bytes)
        for suffix in ["-wal", "-shm"] { unlink(path.string + suffix) }
        let cache = try open()
        for blob in blobs.prefix(10) { #expect(cache.storedByteCount(of: blob.id) == nil) }
        #expect(!cache.remember(blobs: blobs, records: []))
        #expect(watch.take().count == 1)
        #expect(try open().remember(blobs: blobs, records: []))
    }

    @Test("where no cache can be, opening says why")
    func unusable() throws {
        try folder.write("cache", "a file")
        let error = #expect(throws: RekkordError.self) { try open() }
        #expect(error?.message == "cannot use cache '\(folder["cache"].string)': Not a directory")
    }

    @Test("the key of a folder is that of its names, not of their joint")
    func keys() {
        let root = LocalCache.FolderKey.root
        let ab = root.appending([1]).appending([2])
        #expect(ab != root.appending([1, 2]))
        #expect(ab != root.appending([2]).appending([1]))
        #expect(ab == root.appending([1]).appending([2]))
    }
}

extension SeededRandom {
    fileprivate static func hash(_ number: Int) -> Hash32 {
        var random = SeededRandom(UInt64(number))
        return random.bytes(32).withRawBytes { Hash32($0) }
    }
}
