@testable import Core
import TestSupport
import Testing

@Suite struct TagTests {
    private static let payload = TagPayload(
        time: Timestamp(milliseconds: 1_757_468_311_000),
        size: 2_407_000_000,
        stored: 1_255_000_000,
        added: 1_107_000_000,
        channel: Array("webserver".utf8)
    )

    private static func golden(_ keys: KeySet? = nil) throws -> TagNames {
        let snapshot = ObjectID(.metadata, try #require(Hash32(Array(0..<32))))
        let randomness = TagNames.Randomness(
            prefix: Array(0xC0...0xCF),
            password: Array(0xD0...0xE7),
            ephemeral: GoldenKeys.secret(from: 0x60)
        )
        let author = try keys ?? GoldenKeys.derived(.writeOnly).keys
        return try TagNames(snapshot: snapshot, payload: payload, keys: author, randomness)
    }

    @Test("the published names are made")
    func published() throws {
        let names = try Self.golden()
        #expect(
            names.main
                == "tags/M/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF/Z13VdO13iTELPS52gfN5C0ZsdzsVIf7PNld5WDcepS8c7ZuWELDHgR4Zd6tU"
                + "N_X89ALPb9PXkDf5UW9geV_Ripv-kqA1DbYxo1QbT008o9ZPxAXAORNKdZqBsBRR7afKPRICqptofiTVYfQLabEmCvkxIIu8"
                + "dxVmmHqH6UTwJxrraAqX4QZ-0Z-QnIQP7rVaRZdwQQ6267QI5xA4Iz2_FznZ5xur-WcBiv5rmO6U5PoQdX71ojWjkcCRDg"
        )
        #expect(
            names.fragments == [
                "tags/P/C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF_00_Ff3HU6pPrEaXNtJ06lDNnl86umV1u3uwogcRsjRPREYS09ZdwRLcdpEuc"
                    + "v3xHXeKqcv058_8Fn6Yjg"
            ]
        )
        #expect(
            GoldenKeys.hex(Self.payload.encode())
                == "d83d463199010000c0e7778f00000000c0c7cd4a00000000c07afb4100000000776562736572766572" + "00"
        )
    }

    @Test("a written tag is read by every key with Log", arguments: [KeyType.master, .readWrite, .logOnly])
    func reading(type: KeyType) throws {
        let keys = type == .master ? try GoldenKeys.master() : try GoldenKeys.derived(type).keys
        let names = try Self.golden()
        let parser = TagParser(names: ["tags/junk", names.main] + names.fragments, keys: keys)
        #expect(parser.refused.isEmpty)
        let tag = try #require(parser.tags.first)
        #expect(tag.payload == Self.payload)
        #expect(tag.snapshot.hash.bytes == Array(0..<32))
        #expect(tag.keyID.description == "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF")
        #expect(tag.fragmentNames == names.fragments)
    }

    @Test("a name tells who signed it, without a look at the rest")
    func author() throws {
        let folder = "tags/M/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
        for name in ["\(folder)/rest", folder] {
            #expect(try MainTagName.keyID(of: name).description == "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF")
        }
        for folder in ["", "tags/M/", String(folder.dropLast(2)), String(folder.dropLast()) + "g"] {
            let name = folder + "/rest"
            let error = #expect(throws: FormatError.self) { try MainTagName.keyID(of: name) }
            #expect(error?.damage == .tag)
        }
    }

    @Test("the longest channel needs two fragments, and each must be there")
    func fragments() throws {
        var payload = Self.payload
        payload.channel = [UInt8](repeating: 0xE9, count: 256)
        let snapshot = ObjectID(.metadata, .zero)
        let names = try TagNames(snapshot: snapshot, payload: payload, keys: GoldenKeys.master())
        #expect(names.fragments.count == 2)
        let keys = try GoldenKeys.master()
        #expect(TagParser(names: names.fragments + [names.main], keys: keys).tags.first?.payload == payload)
        for missing in 0..<2 {
            let parser = TagParser(names: [names.main, names.fragments[missing]], keys: keys)
            #expect(parser.tags.isEmpty)
            #expect(parser.refused.map(\.reason) == ["fragment \(1 - missing) is missing"])
        }
    }

    @Test("planted fragments hide nothing")
    func plantedFragments() throws {
        let names = try Self.golden()
        let prefix = "tags/P/C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF"
        let planted = ["_00_AAAA", "_00_", "_01_AAAA", "_00_\(String(repeating: "A", count: 200))", "_x"].map
        { prefix + $0 }
        let parser = TagParser(names: planted + [names.main] + names.fragments, keys: try GoldenKeys.master())
        #expect(parser.tags.count == 1)
    }

    @Test("a wrong signature of the master is refused, also when the sealed part is good")
    func masterSignature() throws {
        let keys = try GoldenKeys.master()
        let honest = try Self.golden(keys)
        #expect(TagParser(names: [honest.main] + honest.fragments, keys: keys).tags.count == 1)
        let forged = honest.main.dropLast(4) + "AAAA"
        let parser = TagParser(names: [String(forged)] + honest.fragments, keys: keys)
        #expect(parser.tags.isEmpty)
        #expect(parser.refused.map(\.reason) == ["wrong signature"])
        // A tag of another key under the name of the master.
        let stolen = try Self.golden()
        let moved = stolen.main.replacing("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF", with: KeyID.master.description)
        #expect(TagParser(names: [moved] + stolen.fragments, keys: keys).tags.isEmpty)
    }

    @Test(
        "what is sealed has to be of the known version, about a snapshot, and with one fragment to four",
        arguments: [
            (0, 2, "tag version 2 is not supported"),
            (1, UInt8(ascii: "R"), "tag of something else than a snapshot"),
            (74, 0, "tag with 0 fragments"),
            (74, 5, "tag with 5 fragments"),
        ] as [(Int, UInt8, String)]
    )
    func strangeIntros(index: Int, byte: UInt8, reason: String) throws {
        let keys = try GoldenKeys.master()
        func open(_ sealed: [UInt8]) throws -> TagIntro {
            switch keys.logSecret {
            case .some(let secret):
                return try TagIntro(sealed: sealed, logPublic: keys.logPublic, logSecret: secret)
            case .none: throw FormatError("no key")
            }
        }
        func seal(_ intro: [UInt8]) -> [UInt8] {
            let ephemeral = GoldenKeys.secret(from: 0x60)
            var sealed = [UInt8](repeating: 0, count: TagIntro.sealedByteCount)
            sealed.withUnsafeMutableBytes { sealed in
                intro.withUnsafeBytes {
                    Sodium.seal($0, to: keys.logPublic, ephemeral: ephemeral, into: sealed)
                }
            }
            return sealed
        }
        var intro = [1, ObjectID.Catalog.metadata.rawValue] + [UInt8](repeating: 7, count: 72) + [4]
        #expect(try open(seal(intro)).fragmentCount == 4)
        intro[index] = byte
        #expect(throws: FormatError(reason, .tag)) { try open(seal(intro)) }
    }

    @Test("one tag under two key ids counts once")
    func copies() throws {
        let names = try Self.golden()
        let copy = names.main.replacing(
            "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF",
            with: "B0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
        )
        let parser = TagParser(names: [names.main, copy] + names.fragments, keys: try GoldenKeys.master())
        #expect(parser.tags.count == 1)
    }

    @Test("a malformed name never stops the others")
    func hostileNames() throws {
        let names = try Self.golden()
        var all = [names.main] + names.fragments
        for index in names.main.indices.dropFirst(TagNames.mainFolder.count) {
            all.append(String(names.main[..<index]))
            all.append(names.main.replacingCharacter(at: index, with: "!"))
            all.append(names.main.replacingCharacter(at: index, with: "B"))
        }
        all += ["tags/M/", "tags/M//", "tags/P/", "tags/M/x/y/z", "tags/M/\(KeyID.master)/é"]
        let parser = TagParser(names: all, keys: try GoldenKeys.master())
        // Changed signatures of derived keys are for scan to find; here they are one tag with the honest one.
        #expect(parser.tags.count == 1)
        #expect(parser.tags.first?.payload == Self.payload)
    }

    @Test("a payload survives truncation at any length and a flip of any byte")
    func hostilePayload() {
        let bytes = Self.payload.encode()
        HostileBytes.truncations(of: bytes) { _ = try? TagPayload($0) }
        HostileBytes.flips(of: bytes) { _ = try? TagPayload($0) }
        #expect(throws: FormatError.self) { try TagPayload(Array(bytes[..<32])) }
        #expect(throws: FormatError.self) { try TagPayload(Array(bytes[..<32]) + [0]) }
        #expect(throws: FormatError.self) { try TagPayload(bytes + [UInt8](repeating: 1, count: 600)) }
    }
}

extension String {
    fileprivate func replacingCharacter(at index: Index, with character: Character) -> String {
        var copy = self
        copy.replaceSubrange(index...index, with: [character])
        return copy
    }
}
