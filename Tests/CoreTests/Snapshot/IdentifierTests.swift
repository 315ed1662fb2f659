import Testing

@testable import Core

@Suite struct IdentifierTests {
    private static let oid = "M0B9C621B7B02AFC1C162526648CC8DCCD6E1314D8B04D400C6D7BD90CA432825"

    private func target(_ text: String) throws -> Identifier.Target {
        try Identifier(Array(text.utf8)).target
    }

    private func failure(_ text: String) -> RekkordError? {
        do {
            _ = try Identifier(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test("a colon alone is the whole repository")
    func repository() throws {
        #expect(try target(":") == .repository)
        #expect(failure("")?.kind == .usage)
    }

    @Test("65 characters of either case are an object", arguments: [oid, "M" + oid.dropFirst().lowercased()])
    func object(text: String) throws {
        let id = try #require(ObjectID(text: Self.oid))
        #expect(try target(text) == .object(id, path: []))
        #expect(try target(text + ":") == .object(id, path: []))
        #expect(try target(text + ":/") == .object(id, path: []))
        let path = [try EntryName(Array("etc".utf8)), try EntryName(Array("a:b".utf8))]
        #expect(try target(text + ":/etc//a:b/") == .object(id, path: path))
    }

    @Test(
        "anything else is a channel",
        arguments: ["m" + oid.dropFirst(), oid + "0", String(oid.dropLast()), "X" + oid.dropFirst()]
    )
    func channel(text: String) throws {
        #expect(try target(text) == .channel([.init(channel: Array(text.utf8), path: [])]))
    }

    @Test("each colon may end the channel, the longest channel comes first, none is empty")
    func readings() throws {
        func reading(_ channel: String, _ path: String) -> Identifier.ChannelReading {
            Identifier.ChannelReading(channel: Array(channel.utf8), path: Array(path.utf8))
        }
        #expect(
            try target("web:1:/etc")
                == .channel([reading("web:1:/etc", ""), reading("web:1", "/etc"), reading("web", "1:/etc")])
        )
        #expect(try target(":x") == .channel([reading(":x", "")]))
        #expect(try target("web:") == .channel([reading("web:", ""), reading("web", "")]))
    }

    @Test("names that step through the tree are wrong use, names that cannot be are not found")
    func badPaths() {
        let dots = failure(Self.oid + ":a/../b")
        #expect(dots?.kind == .usage)
        #expect(dots?.message == "cannot use '\(Self.oid):a/../b': '.' and '..' are not allowed")
        #expect(failure(Self.oid + ":./a")?.kind == .usage)
        let long = failure(Self.oid + ":" + String(repeating: "x", count: 256))
        #expect(long?.kind == .notFound)
    }

    @Test("bytes that are no text stay what they are")
    func bytes() throws {
        let identifier = try Identifier([0xFF, 0x3A, 0xFE])
        let whole = Identifier.ChannelReading(channel: [0xFF, 0x3A, 0xFE], path: [])
        #expect(identifier.target == .channel([whole, .init(channel: [0xFF], path: [0xFE])]))
    }
}
