import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct TagMemoryTests {
    private static let repositoryID = [UInt8](repeating: 1, count: 16)
    private static let cacheID = [UInt8](repeating: 2, count: 16)

    private let directory: TemporaryDirectory
    private let tags: [TagParser.Parsed]

    init() throws {
        directory = try TemporaryDirectory()
        let keys = try GoldenKeys.master()
        // The second channel takes two fragments.
        let names = try [[UInt8]("web".utf8), [UInt8](repeating: 0xE9, count: 256)].map { channel in
            try TagNames(snapshot: ObjectID(.metadata, .zero), payload: Self.payload(channel), keys: keys)
        }
        tags = TagParser(names: names.flatMap { [$0.main] + $0.fragments }, keys: keys).tags
    }

    private static func payload(_ channel: [UInt8]) -> TagPayload {
        let time = Timestamp(milliseconds: 1_757_468_311_000)
        return TagPayload(time: time, size: 1, stored: -2, added: .max, channel: channel)
    }

    private func memory(
        _ keys: KeySet? = nil,
        repositoryID: [UInt8] = Self.repositoryID,
        cacheID: [UInt8] = Self.cacheID
    ) throws -> TagMemory {
        let keys = try keys ?? GoldenKeys.master()
        return TagMemory(folder: directory.path, keys: keys, repositoryID: repositoryID, cacheID: cacheID)
    }

    private var file: FilePath { directory["tags.\(KeyID.master)"] }

    @Test("what was stored is there for the next process, and nobody else may read it")
    func roundTrip() throws {
        #expect(tags.count == 2)
        try memory().store(tags)
        let loaded = try memory().load()
        #expect(loaded.count == 2)
        for tag in tags {
            let other = try #require(loaded[tag.objectName])
            #expect(other.payload == tag.payload)
            #expect(other.snapshot == tag.snapshot)
            #expect(other.keyID == tag.keyID)
            #expect(other.fragmentNames == tag.fragmentNames)
            #expect(other.sealed == tag.sealed && other.signature == tag.signature)
        }
        #expect(try System.status(of: file.bytes).mode & 0o777 == 0o600)
        let content = try WholeFile.read(file, limit: 10_000).bytes
        #expect(!String(decoding: content, as: UTF8.self).contains("web"))
    }

    @Test("a file that was altered or cut off anywhere counts as absent")
    func altered() throws {
        try memory().store(Array(tags.prefix(1)))
        let good = try WholeFile.read(file, limit: 10_000).bytes
        for index in Array(0..<60) + Array(stride(from: 60, to: good.count, by: 11)) {
            var bytes = good
            bytes[index] ^= 1 << UInt8(index % 8)
            try directory.write("tags.\(KeyID.master)", bytes)
            #expect(try memory().load().isEmpty)
        }
        for count in stride(from: 0, to: good.count, by: 17) {
            try directory.write("tags.\(KeyID.master)", Array(good[..<count]))
            #expect(try memory().load().isEmpty)
        }
    }

    @Test("what another key, another repository or an older cache remembers is nothing")
    func foreign() throws {
        let reader = try GoldenKeys.derived(.readWrite).keys
        try memory(reader).store(tags)
        #expect(try memory(reader).load().count == 2)
        #expect(try memory().load().isEmpty)
        // Also under the name of this key, and by a key that reads all tags.
        let stolen = try WholeFile.read(directory["tags.\(reader.id)"], limit: 10_000).bytes
        try directory.write("tags.\(KeyID.master)", stolen)
        #expect(try memory().load().isEmpty)
        let other = [UInt8](repeating: 3, count: 16)
        try memory(repositoryID: other).store(tags)
        #expect(try memory().load().isEmpty)
        try memory(cacheID: other).store(tags)
        #expect(try memory().load().isEmpty)
    }

    @Test("links and folders in the place of the file are not followed")
    func links() throws {
        try memory().store(tags)
        try #require(rename(file.string, directory["elsewhere"].string) == 0)
        try #require(symlink("elsewhere", file.string) == 0)
        #expect(try memory().load().isEmpty)
        try memory().store(tags)
        #expect(try System.status(of: file.bytes).type == .regular)
        #expect(try memory().load().count == 2)
        try #require(unlink(file.string) == 0 && mkdir(file.string, 0o700) == 0)
        #expect(try memory().load().isEmpty)
        #expect(throws: Errno.isDirectory) { try memory().store(tags) }
    }

    @Test("emptying the cache removes what all keys remember")
    func removal() throws {
        try TagMemory.removeAll(in: directory["absent"])
        try memory().store(tags)
        try memory(GoldenKeys.derived(.logOnly).keys).store(tags)
        try directory.write("tagged", "stays")
        try TagMemory.removeAll(in: directory.path)
        #expect(try FolderListing.read(directory.path.bytes).map(\.name) == [Array("tagged".utf8)])
    }
}
