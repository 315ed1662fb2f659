import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct TagWatchTests {
    private static let count = 70

    private let directory: TemporaryDirectory
    private let storage: MemoryStorage

    init() throws {
        directory = try TemporaryDirectory()
        storage = MemoryStorage()
        let writer = try Repository.create(storage, keys: GoldenKeys.master())
        for number in 0..<Self.count {
            try writer.writeTag(ObjectID(.metadata, .zero), Self.payload("web", number))
        }
    }

    private static func payload(_ channel: String, _ milliseconds: Int) -> TagPayload {
        let time = Timestamp(milliseconds: Int64(milliseconds))
        return TagPayload(time: time, size: 1, stored: 2, added: 3, channel: Array(channel.utf8))
    }

    /// A process of its own.
    private func reader() throws -> Repository {
        let repository = try Repository.open(storage, keys: GoldenKeys.master())
        repository.rememberTags(in: directory.path)
        return repository
    }

    private func memory(of reader: Repository) -> TagMemory {
        TagMemory(
            folder: directory.path,
            keys: reader.keys,
            repositoryID: reader.repositoryID,
            cacheID: reader.cacheID
        )
    }

    /// Has the memory say that all channels are called `lie`, as nobody without the key can.
    private func lie(_ reader: Repository) throws {
        let memory = memory(of: reader)
        try memory.store(
            memory.load().values.map { tag in
                TagParser.Parsed(
                    snapshot: tag.snapshot,
                    payload: Self.payload("lie", Int(tag.payload.time.milliseconds)),
                    keyID: tag.keyID,
                    objectName: tag.objectName,
                    fragmentNames: tag.fragmentNames
                )
            }
        )
    }

    private static func channels(_ listing: TagListing) -> Set<String> {
        Set(listing.tags.map { String(decoding: $0.channel, as: UTF8.self) })
    }

    @Test("the next process opens no tag again, unless its memory was touched")
    func nextProcess() throws {
        #expect(try Self.channels(reader().listTags()) == ["web"])
        try lie(reader())
        #expect(try Self.channels(reader().listTags()) == ["lie"])
        let name = "tags.\(KeyID.master)"
        var bytes = try WholeFile.read(directory[name], limit: 1 << 20).bytes
        bytes[bytes.count / 2] ^= 1
        try directory.write(name, bytes)
        let listing = try reader().listTags()
        #expect(Self.channels(listing) == ["web"] && listing.tags.count == Self.count)
        #expect(listing.warnings.isEmpty)
        // Which repairs the memory.
        #expect(try memory(of: reader()).load().count == Self.count)
    }

    @Test("a later listing opens what is new and nothing else")
    func laterListing() throws {
        let reader = try reader()
        _ = try reader.listTags()
        try lie(reader)
        let next = try self.reader()
        #expect(try Self.channels(next.listTags()) == ["lie"])
        try next.writeTag(ObjectID(.metadata, .zero), Self.payload("new", 1000))
        #expect(try Self.channels(next.listTags()) == ["lie", "new"])
    }

    @Test("a tag that is no longer listed is not shown, whatever is remembered of it")
    func removedTag() throws {
        _ = try reader().listTags()
        let tag = try #require(try reader().listTags().tags.first)
        storage[tag.objectName] = nil
        #expect(try reader().listTags().tags.count == Self.count - 1)
    }

    @Test("a tag without its fragment is refused, also when it was good before")
    func hiddenFragment() throws {
        let reader = try reader()
        _ = try reader.listTags()
        let tag = try #require(memory(of: reader).load().values.first)
        let fragment = try #require(tag.fragmentNames.first)
        storage[fragment] = nil
        for listing in [try reader.listTags(), try self.reader().listTags()] {
            #expect(listing.tags.count == Self.count - 1)
            #expect(listing.warnings.count == 1)
            #expect(listing.warnings.first?.hasSuffix("fragment 0 is missing") == true)
        }
        storage[fragment] = []
        #expect(try reader.listTags().tags.count == Self.count)
    }

    @Test("a cache that cannot be written changes nothing")
    func noFolder() throws {
        let repository = try Repository.open(storage, keys: GoldenKeys.master())
        repository.rememberTags(in: try directory.write("file", "in the way"))
        for _ in 0..<2 { #expect(try repository.listTags().tags.count == Self.count) }
    }

    @Test("of one tag under two key ids one counts, whichever is known")
    func copies() throws {
        let reader = try reader()
        let tag = try #require(try reader.listTags().tags.first)
        let other = "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
        storage[tag.objectName.replacing(KeyID.master.description, with: other)] = []
        #expect(try reader.listTags().tags.count == Self.count)
        #expect(try self.reader().listTags().tags.count == Self.count)
    }
}
