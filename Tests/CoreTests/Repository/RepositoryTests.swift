@testable import Core
import TestSupport
import Testing

@Suite struct RepositoryTests {
    @Test("a made repository opens with every key of its master and with no other")
    func opening() throws {
        let storage = MemoryStorage()
        let master = try GoldenKeys.master()
        let made = try Repository.create(storage, keys: master)
        #expect(storage.names == ["cw", "rekkord"])
        for type in KeyType.allCases {
            let keys = type == .master ? master : try GoldenKeys.derived(type).keys
            let opened = try Repository.open(storage, keys: keys)
            #expect(opened.repositoryID == made.repositoryID)
            #expect(opened.cacheID == made.cacheID)
        }
        let error = #expect(throws: RekkordError.self) {
            try Repository.open(storage, keys: KeyFile.generateMaster().keys)
        }
        #expect(error?.kind == .key)
        #expect(error?.message == "cannot open repository 'memory': key does not match")
    }

    @Test("an absent repository and one of another revision are told apart")
    func notOpening() throws {
        let storage = MemoryStorage()
        let keys = try GoldenKeys.master()
        let absent = #expect(throws: RekkordError.self) { try Repository.open(storage, keys: keys) }
        #expect(absent?.kind == .notInitialized)
        #expect(absent?.message == "cannot open repository 'memory': not initialised")
        #expect(absent?.hint == "run 'rekkord init'")
        storage["rekkord"] = [2] + [UInt8](repeating: 0, count: 2112)
        let older = #expect(throws: RekkordError.self) { try Repository.open(storage, keys: keys) }
        #expect(older?.message == "cannot open repository 'memory': config version 2 is not supported")
    }

    @Test("a new cache id keeps the repository id")
    func changeCacheID() throws {
        let storage = MemoryStorage()
        let keys = try GoldenKeys.master()
        let before = try Repository.create(storage, keys: keys)
        let id = try before.changeCacheID()
        let after = try Repository.open(storage, keys: keys)
        #expect(after.repositoryID == before.repositoryID)
        #expect(after.cacheID == id && id != before.cacheID)
        let derived = try Repository.open(storage, keys: GoldenKeys.derived(.readWrite).keys)
        #expect(throws: RekkordError.self) { try derived.changeCacheID() }
    }

    @Test("blobs sealed with a WriteOnly key are read with Read, and with nothing else")
    func blobs() throws {
        let storage = MemoryStorage()
        let master = try Repository.create(storage, keys: GoldenKeys.master())
        let writer = try Repository.open(storage, keys: GoldenKeys.derived(.writeOnly).keys)
        var random = SeededRandom(1)
        let plaintext = random.bytes(100_000)
        let id = try Self.store(plaintext, .chunk, writer, storage)
        #expect(try master.get(id).bytes.array == plaintext)
        #expect(
            try Repository.open(storage, keys: GoldenKeys.derived(.readWrite).keys).get(id).type == .chunk
        )
        #expect(throws: RekkordError.self) { try writer.get(id) }
        #expect(throws: RekkordError.self) {
            try Repository.open(storage, keys: GoldenKeys.derived(.logOnly).keys).get(id)
        }
    }

    @Test("missing, cut off, changed and swapped objects are refused and named")
    func damage() throws {
        let storage = MemoryStorage()
        let repository = try Repository.create(storage, keys: GoldenKeys.master())
        let id = try Self.store(Array("one".utf8), .chunk, repository, storage)
        let other = try Self.store(Array("two".utf8), .chunk, repository, storage)
        let link = try Self.store(Array("one".utf8), .link, repository, storage)
        let good = try #require(storage[id.objectName])
        func expect(_ object: [UInt8]?, _ kind: RekkordError.Kind, _ reason: String) {
            storage[id.objectName] = object
            let error = #expect(throws: RekkordError.self) { try repository.get(id) }
            #expect(error?.kind == kind)
            #expect(error?.message == "\(id): \(reason)")
        }
        expect(nil, .missing, "object is missing")
        expect([], .corrupted, "cut off")
        expect(Array(good.dropLast()), .corrupted, "it does not decrypt")
        expect(storage[other.objectName], .corrupted, "hash mismatch")
        expect(storage[link.objectName], .corrupted, "hash mismatch")
        storage[id.objectName] = good
        #expect(try repository.get(id).bytes.array == Array("one".utf8))
    }

    /// Claims to be remote, and hands out made-up bytes before those of `base`.
    private final class UnsteadyStorage: Storage {
        let kind = StorageKind.s3
        let displayURL = "unsteady"
        let base = MemoryStorage()
        private let answers = Locked<[[UInt8]]>([])
        /// Which reads wanted a new connection.
        let reads = Locked<[Bool]>([])

        func answer(_ bytes: [UInt8]...) {
            answers.withLock { $0 = bytes }
            reads.withLock { $0 = [] }
        }

        func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
            try read(name, limit: limit, isAgain: false).bytes
        }

        func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject {
            reads.withLock { $0.append(isAgain) }
            let bytes = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let bytes { return ReadObject(bytes: ByteBuffer(bytes)) }
            return ReadObject(bytes: try base.get(name, limit: limit))
        }

        func put(
            _ name: String,
            _ bytes: UnsafeRawBufferPointer,
            _ mode: WriteMode
        ) throws(RekkordError) -> WriteOutcome {
            try base.put(name, bytes, mode)
        }

        func makeBatch() throws(RekkordError) -> any WriteBatch { DirectWriteBatch(self) }

        func list(
            prefix: String,
            _ body: (StoredObject) throws(RekkordError) -> Void
        ) throws(RekkordError) {
            try base.list(prefix: prefix, body)
        }

        func initialize(_ objects: [NewObject]) throws(RekkordError) { try base.initialize(objects) }
    }

    @Test("remote objects that fail verification are read again; the same bad bytes twice are damage")
    func readAgain() throws {
        let storage = UnsteadyStorage()
        let keys = try GoldenKeys.master()
        let repository = try Repository.create(storage, keys: keys)
        let plaintext: [UInt8] = Array("content".utf8)
        let id = try Self.store(plaintext, .chunk, repository, storage.base)

        storage.answer([1], [2])
        #expect(try repository.get(id).bytes.array == plaintext)
        #expect(storage.reads.withLock { $0 } == [false, true, true])

        storage.answer([1], [1])
        let error = #expect(throws: RekkordError.self) { try repository.get(id) }
        #expect(error?.kind == .corrupted)
        #expect(storage.reads.withLock { $0 } == [false, true])

        storage.answer([1, 2, 3])
        #expect(try Repository.open(storage, keys: keys).cacheID == repository.cacheID)
        #expect(storage.reads.withLock { $0 } == [false, true])
    }

    @Test("the probe finds conditional writes also when its object is missing", arguments: [true, false])
    func probe(isConditional: Bool) throws {
        let storage = FaultyStorage(MemoryStorage(isConditional: isConditional))
        let repository = try Repository.create(storage, keys: GoldenKeys.master())
        for _ in 0..<2 { #expect(try repository.probeConditionalWrites() == isConditional) }
        let memory = MemoryStorage(isConditional: isConditional)
        memory["rekkord"] = try FaultyStorage(storage).get("rekkord", limit: 5000).array
        let older = try Repository.open(memory, keys: GoldenKeys.master())
        #expect(try older.probeConditionalWrites() == isConditional)
    }

    @Test("a tag appears with its last request, and its author leaves a badge")
    func tagOrder() throws {
        let storage = FaultyStorage(MemoryStorage())
        _ = try Repository.create(storage, keys: GoldenKeys.master())
        let writer = try Repository.open(storage, keys: GoldenKeys.derived(.writeOnly).keys)
        let reader = try Repository.open(storage, keys: GoldenKeys.derived(.logOnly).keys)
        let payload = TagPayload(
            time: Timestamp(milliseconds: 5),
            size: 1,
            stored: 2,
            added: 3,
            channel: [UInt8](repeating: 0x61, count: 200)
        )
        storage.forgetRequests()
        let name = try writer.writeTag(ObjectID(.metadata, .zero), payload)
        let requests = storage.requests
        #expect(requests.map(\.verb) == [.create, .create, .create, .create])
        #expect(requests.first?.name == "keys/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF")
        #expect(requests.last?.name == name)
        #expect(try reader.listTags().tags.map(\.payload) == [payload])
        for index in 0..<4 {
            let before = try reader.listTags().tags.count
            storage.failOnce(at: index)
            #expect(throws: RekkordError.self) { try writer.writeTag(ObjectID(.metadata, .zero), payload) }
            storage.fail(nil)
            let listing = try reader.listTags()
            #expect(listing.tags.count == before)
            #expect(listing.warnings.isEmpty)
        }
    }

    private static func store(
        _ plaintext: [UInt8],
        _ type: BlobType,
        _ repository: Repository,
        _ storage: MemoryStorage
    ) throws -> ObjectID {
        try plaintext.withUnsafeBytes { bytes in
            let id = repository.identify(type, bytes)
            storage[id.objectName] = try repository.seal(type, bytes, level: 1, isVerified: true).array
            return id
        }
    }
}
