@testable internal import Core

/// Keys, and what is signed or sealed with them; the master key is that of the worked examples.
enum Keys {
    static let master: KeySet = {
        let text = """
            -----BEGIN REKKORD KEY-----
            AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
            -----END REKKORD KEY-----
            """
        guard let keys = try? KeyFile.parse(text.utf8) else {
            fatalError("the key of the examples is refused")
        }
        return keys
    }()

    static func fuzzKeyFile(_ input: [UInt8]) {
        _ = try? KeyFile.parse(input)
    }

    static func fuzzConfig(_ input: [UInt8]) {
        _ = try? ConfigObject(input, key: master.configKey)
    }

    static func fuzzBadge(_ input: [UInt8]) {
        _ = try? Badge(input, masterPublicKey: master.masterPublic)
    }

    /// The names of a listing, one a line.
    static func fuzzTag(_ input: [UInt8]) {
        let names = input.split(separator: UInt8(ascii: "\n"), maxSplits: 16).map {
            String(decoding: $0, as: UTF8.self)
        }
        let parser = TagParser(names: names, keys: master)
        precondition(parser.tags.count + parser.refused.count <= names.count)
    }

    static func fuzzPayload(_ input: [UInt8]) {
        guard let payload = try? TagPayload(input) else { return }
        guard let again = try? TagPayload(payload.encode()) else { fatalError("refuses what it wrote") }
        precondition(
            again.channel == payload.channel && again.size == payload.size && again.time == payload.time
        )
        _ = payload.time.timespec
    }

    /// What is remembered of tags, behind the cryptography.
    static func fuzzTagMemory(_ input: [UInt8]) {
        _ = try? TagMemory.decode(input)
    }
}
