@testable import Core
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct KeyFileTests {
    @Test("the master key gives the published subkeys and salts")
    func masterSubkeys() throws {
        let keys = try GoldenKeys.master()
        #expect(keys.type == .master)
        #expect(keys.id.description == "00000000000000000000000000000000")
        func digits(_ key: borrowing SecretKey) -> String { GoldenKeys.hex(key) }
        #expect(digits(keys.configKey) == "06d07875a0290c50f509328faffad03f2428bbb22969326537a1958160a21e1c")
        #expect(
            keys.configSeed?.withBytes { GoldenKeys.hex($0) }
                == "0d1dd00d94c2b85b2219fd269cef8984da03ff837708d5e37be304f65af245cd"
        )
        #expect(
            keys.dataSecret?.withBytes { GoldenKeys.hex($0) }
                == "e43328daa6762e6bdb35f64e8383c5525d4df1c3a9e9dc217ea596a78547bdd1"
        )
        #expect(
            keys.dataPublic?.withBytes { GoldenKeys.hex($0) }
                == "64341caa55f881962e66ed46d08dab3b4d2247f46cbfc2f9cafc6687543a8d79"
        )
        #expect(
            keys.logSecret?.withBytes { GoldenKeys.hex($0) }
                == "22a959feb380d8c4cac429f07180f79e3c628fc75b74f688c34c0a98a9bc1451"
        )
        #expect(digits(keys.logPublic) == "1c78d64a999fa57d180bd42222e69f57cda1d682dc36818e091dff1c35149a6f")
        #expect(
            keys.masterSeed?.withBytes { GoldenKeys.hex($0) }
                == "5cc236c3496eb4c22ad698b9d80f2894d62d6f69b188b311a9fb27e7b9312ed7"
        )
        #expect(
            digits(keys.masterPublic) == "03c88de172e1263631b6560776e3cdfcf49771d85d93cb805e77c89980d33fd3"
        )
        #expect(
            keys.salts?.hashKey.withBytes { GoldenKeys.hex($0) }
                == "16016111c444fd319ec9247ca6e4e055414bbae291ddd8e0d5ce283abc6a5ac1"
        )
        let salt = try #require(keys.splitterSalt)
        #expect(GoldenKeys.hex(salt.seed) == "8e5aceafd371897b")
        #expect(
            GoldenKeys.sha256(salt.stableTableBytes)
                == "5a03a638272af156c487f603ff0c7ea12fa3a3df36dbd9ea47761bc292573e2b"
        )
    }

    @Test(
        "derived key files are those of the specification",
        arguments: [
            (
                KeyType.writeOnly, "7a06ada7d3d2bd936e2bdd1966af53d6f536a0b5fea0d0803f2c34b07a607534",
                "f2dcebbc342abc908c610ba30ea79377b7d00f4c3428cb160d9490d389b8678d"
            ),
            (
                .readWrite, "abce04a71e700af4b15b9bf3150587818dafc6137f456d5e435a720dc2147c26",
                "484a3ed9d582f174940df8558af508cc0a34476c787f2baa376ea26919c5d664"
            ),
            (
                .logOnly, "dc4bef55012a9dd522c6448c13b33e56fc8b40d550bf4992f0974135f3cea516",
                "97adb06808da04e639a7b05a2e599ed9ee8d961b5d979c91d59d532218f10b53"
            ),
        ]
    )
    func derivedFiles(type: KeyType, rawDigest: String, textDigest: String) throws {
        let (text, keys) = try GoldenKeys.derived(type)
        #expect(text.count == 1341)
        #expect(GoldenKeys.sha256(text) == textDigest)
        #expect(GoldenKeys.sha256(try Self.raw(of: text)) == rawDigest)
        #expect(keys.type == type)
        #expect(keys.id.description == "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF")
    }

    @Test("a badge is the published one")
    func badge() throws {
        let badge = try #require(try GoldenKeys.derived(.writeOnly).keys.badge)
        #expect(
            GoldenKeys.hex(badge.bytes)
                == "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf01"
                + "29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7"
                + "4ed8195bef6953a7e37462e65c82f23504008154d01f7a820d12dbb298380bd3"
                + "1c58f6f880fa286125f80606a638d9d0077d44d91677049dd7ad8c4b48cfea04"
        )
    }

    @Test("each type holds what its rights need and no more", arguments: KeyType.allCases)
    func rights(type: KeyType) throws {
        let keys = type == .master ? try GoldenKeys.master() : try GoldenKeys.derived(type).keys
        #expect((keys.configSeed?.withBytes { _ in true } ?? false) == type.canConfigure)
        #expect((keys.masterSeed?.withBytes { _ in true } ?? false) == type.canConfigure)
        #expect((keys.dataSecret?.withBytes { _ in true } ?? false) == type.canRead)
        #expect((keys.dataPublic?.withBytes { _ in true } ?? false) == type.canWrite)
        #expect((keys.logSecret?.withBytes { _ in true } ?? false) == type.canLog)
        let master = try GoldenKeys.master()
        #expect(GoldenKeys.hex(keys.logPublic) == GoldenKeys.hex(master.logPublic))
        #expect(GoldenKeys.hex(keys.configKey) == GoldenKeys.hex(master.configKey))
    }

    @Test("text around the markers, other line lengths and a missing end are accepted")
    func lenientArmor() throws {
        let lines = GoldenKeys.masterText.split(separator: "\n").map(String.init)
        let folded = lines[1].map { "\($0)\r\n" }.joined(separator: " \t")
        for text in [
            "note\n" + GoldenKeys.masterText + "more", lines[0] + "\n" + folded,
            lines[0] + lines[1] + lines[2],
        ] {
            #expect(try KeyFile.parse(Array(text.utf8)).type == .master)
        }
    }

    @Test(
        "what is no key file is malformed",
        arguments: [
            "", "\u{0}\u{1}", "-----BEGIN REKKORD KEY-----\nAAAA\n", "-----BEGIN REKKORD KEY-----\n*\n",
        ]
    )
    func malformed(text: String) {
        #expect(throws: FormatError("malformed key file")) { try KeyFile.parse(Array(text.utf8)) }
    }

    @Test("a raw master key without armor is malformed")
    func rawMaster() {
        #expect(throws: FormatError("malformed key file")) { try KeyFile.parse(Array(0..<32)) }
    }

    @Test(
        "a change of any byte of a derived key is noticed",
        arguments: [KeyType.writeOnly, .readWrite, .logOnly]
    )
    func tampering(type: KeyType) throws {
        let raw = try Self.raw(of: GoldenKeys.derived(type).text)
        for index in raw.indices {
            var changed = raw
            changed[index] ^= 0x10
            #expect(throws: FormatError.self, "byte \(index)") { try KeyFile.parse(Self.armored(changed)) }
        }
    }

    @Test("a key file of the unreleased layout is told to be derived again")
    func intermediateLayout() throws {
        let seed = GoldenKeys.secret(from: 0x33)
        var raw = try Self.raw(of: GoldenKeys.derived(.writeOnly).text)
        let publicKey = Sodium.ed25519PublicKey(seed: seed)
        publicKey.withBytes { raw.replaceSubrange(150..<182, with: $0) }
        raw.replaceSubrange(886..., with: raw[..<886].withUnsafeBytes { Sodium.sign($0, seed: seed) })
        #expect(throws: DerivedKey.outdated) { try KeyFile.parse(Self.armored(raw)) }
    }

    @Test("a signed file whose key is not the one of its badge is refused")
    func foreignBadge() throws {
        var raw = try Self.raw(of: GoldenKeys.derived(.writeOnly).text)
        // The slot of the signing seed.
        raw[118 + 8 * SecretKey.byteCount] ^= 1
        let signature = try GoldenKeys.masterSignature(of: raw[..<886])
        raw.replaceSubrange(886..., with: signature)
        #expect(throws: FormatError("the key file was tampered with")) {
            try KeyFile.parse(Self.armored(raw))
        }
    }

    @Test("a badge of the wrong length, or for no derived key, is refused before its signature is")
    func strangeBadges() throws {
        let keys = try GoldenKeys.master()
        let bytes = try #require(try GoldenKeys.derived(.writeOnly).keys.badge).bytes
        #expect(throws: FormatError("badge of wrong length")) {
            try Badge(bytes + [0], masterPublicKey: keys.masterPublic)
        }
        for type: UInt8 in [0, 4, 255] {
            #expect(throws: FormatError("badge of unknown type"), "\(type)") {
                try Badge(bytes[..<16] + [type] + bytes[17...], masterPublicKey: keys.masterPublic)
            }
        }
    }

    @Test("only a master key can derive", arguments: [KeyType.writeOnly, .readWrite, .logOnly])
    func derivingNeedsMaster(type: KeyType) throws {
        let keys = try GoldenKeys.derived(type).keys
        let error = #expect(throws: RekkordError.self) { try KeyFile.derive(.logOnly, from: keys) }
        #expect(error?.kind == .key)
        #expect(error?.message == "cannot derive with \(type.name) key")
    }

    @Test("a file that is missing is a usage error, one that is too long a malformed key")
    func loading() throws {
        let folder = try TemporaryDirectory()
        let missing = #expect(throws: RekkordError.self) {
            try KeyFile.load(folder["none"])
        }
        #expect(missing?.kind == .usage)
        #expect(
            missing?.message
                == "cannot read key file '\(folder["none"].string)': No such file or directory"
        )
        let path = folder["long"]
        let text = Array(GoldenKeys.masterText.utf8) + [UInt8](repeating: 10, count: 4096)
        try Data(text).write(to: URL(filePath: folder["long"].string))
        let long = #expect(throws: RekkordError.self) { try KeyFile.load(path) }
        #expect(long?.kind == .key)
    }

    @Test("a file comes with its text; one that is no key says so")
    func loadingText() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("key", GoldenKeys.masterText)
        let (text, keys) = try KeyFile.loadText(path)
        #expect(text == Array(GoldenKeys.masterText.utf8))
        #expect(keys.type == .master)
        #expect(try KeyFile.load(path).id == keys.id)
        try folder.write("key", "none")
        let error = #expect(throws: RekkordError.self) { try KeyFile.load(path) }
        #expect(error?.kind == .key)
        #expect(error?.message == "cannot read key file '\(path.string)': malformed key file")
        #expect(error?.hint == nil)
    }

    private static func raw(of text: [UInt8]) throws -> [UInt8] {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst().dropLast()
        #expect(lines.dropLast().allSatisfy { $0.count == 70 })
        return try #require(Sodium.decodeBase64(Array(lines.joined().utf8), .standard))
    }

    private static func armored(_ raw: [UInt8]) -> [UInt8] {
        Array("-----BEGIN REKKORD KEY-----\n".utf8) + raw.withUnsafeBytes { Sodium.base64($0, .standard) }
    }
}
