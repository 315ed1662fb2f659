@testable import Core
import TestSupport
import Testing

@Suite struct ConfigObjectTests {
    private static func golden() throws -> [UInt8] {
        let keys = try GoldenKeys.master()
        let config = ConfigObject(repositoryID: Array(0x40...0x4F), cacheID: Array(0x50...0x5F))
        switch keys.configSeed {
        case .some(let seed): return config.encode(key: keys.configKey, seed: seed, nonce: Array(0x80...0x97))
        case .none: return []
        }
    }

    @Test("the object is the published one")
    func encoding() throws {
        let object = try Self.golden()
        #expect(object.count == 4203)
        #expect(
            GoldenKeys.hex(object[..<75])
                == "032000808182838485868788898a8b8c8d8e8f9091929394959697fe8dedfbdd"
                + "74fcb153f82e82ca06733abfa2f7627ad0e0e3ac441b3713c93e8ba38d07e340"
                + "2fd34bfcc30b708cf311c4"
        )
        #expect(
            GoldenKeys.hex(object[4139...])
                == "bd6a195c471b7000b112dd29295874778d368671a86082b2a15881a6e5915f58"
                + "260baf20091cbe0207c4a4ea32a76b5c4b69aee3b9f32a5aa8a2edd4f7605a00"
        )
        #expect(
            GoldenKeys.sha256(object) == "5c000ac3cb4b7623a52d75272d4d98012f781a84014ff084390a8bdb276513b8"
        )
    }

    @Test("every key type reads the object", arguments: KeyType.allCases)
    func reading(type: KeyType) throws {
        let keys = type == .master ? try GoldenKeys.master() : try GoldenKeys.derived(type).keys
        let config = try ConfigObject(Self.golden(), key: keys.configKey)
        #expect(config == ConfigObject(repositoryID: Array(0x40...0x4F), cacheID: Array(0x50...0x5F)))
    }

    @Test("a truncation at any length and a flip of any byte is refused")
    func hostile() throws {
        let object = try Self.golden()
        let key = try GoldenKeys.master().configKey.copy()
        HostileBytes.truncations(of: object) { bytes in
            #expect(throws: ConfigObject.Failure.self) { try ConfigObject(bytes, key: key) }
        }
        for index in object.indices {
            var changed = object
            changed[index] ^= 1
            #expect(throws: ConfigObject.Failure.self, "byte \(index)") {
                try ConfigObject(changed, key: key)
            }
        }
        #expect(throws: ConfigObject.Failure.self) { try ConfigObject(object + [0], key: key) }
    }
}
