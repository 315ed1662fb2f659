import TestSupport
import Testing

@testable import Core

@Suite struct ExtendedAttributesTests {
    private static func attribute(_ key: String, _ value: [UInt8]) -> ExtendedAttribute {
        ExtendedAttribute(key: Array(key.utf8), value: value)
    }

    @Test("the kinds that the system asks for are found by their keys; malformed ones may be any kind")
    func systemKinds() {
        func kinds(_ keys: String...) -> SystemAttributes {
            let encoded = ExtendedAttributes.encode(keys.map { Self.attribute($0, [1, 2]) })
            return encoded.bytes.withRawBytes { SystemAttributes(encoded: $0) }
        }
        #expect(kinds("user.x", "trusted.y", "rk.acl", "security") == [])
        #expect(kinds("user.x", "security.selinux") == .security)
        #expect(kinds("rk.acl1") == .accessLists && kinds("rk.acl1d") == .accessLists)
        #expect(kinds("system.posix_acl_default", "security.x") == .all)
        #expect([UInt8]([9, 0, 1]).withRawBytes { SystemAttributes(encoded: $0) } == .all)
    }

    @Test("a record is its length, the key, NUL and the value")
    func layout() throws {
        let attributes = [Self.attribute("user.x", [0, 1]), Self.attribute("a", [])]
        let encoded = ExtendedAttributes.encode(attributes)
        #expect(encoded.bytes == [9, 0] + Array("user.x".utf8) + [0, 0, 1, 2, 0] + Array("a".utf8) + [0])
        #expect(encoded.dropped.isEmpty)
        #expect(try ExtendedAttributes.parse(encoded.bytes) == attributes)
        #expect(try ExtendedAttributes.parse([]).isEmpty)
    }

    @Test("a value too long for a record is dropped alone, too many bytes in total drop all")
    func limits() throws {
        let small = Self.attribute("user.small", [1])
        let huge = Self.attribute("user.huge", [UInt8](repeating: 1, count: 65_526))
        let encoded = ExtendedAttributes.encode([small, huge])
        #expect(encoded.dropped == [huge.key])
        #expect(try ExtendedAttributes.parse(encoded.bytes) == [small])

        let filling = Self.attribute("k", [UInt8](repeating: 1, count: 32_767 - 4))
        #expect(ExtendedAttributes.encode([filling]).bytes.count == 32_767)
        let all = ExtendedAttributes.encode([filling, small])
        #expect(all.bytes.isEmpty && all.dropped == [filling.key, small.key])
    }

    @Test("keys that cannot be stored are dropped, records without a key are skipped")
    func keys() throws {
        let bad = [Self.attribute("", [1]), Self.attribute("a\0b", [1])]
        #expect(ExtendedAttributes.encode(bad) == .init(bytes: [], dropped: [[], Array("a\0b".utf8)]))
        #expect(try ExtendedAttributes.parse([2, 0, 0, 7]).isEmpty)
    }

    @Test("a record without NUL or beyond the block is refused")
    func malformed() {
        for bytes: [UInt8] in [[1], [1, 0], [1, 0, 65], [0, 0], [3, 0, 65, 0], [2, 0, 65, 0, 9]] {
            #expect(throws: FormatError("malformed extended attributes")) {
                try ExtendedAttributes.parse(bytes)
            }
        }
    }

    @Test("random attributes survive the way, damaged ones do no harm", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let attributes = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            ExtendedAttribute(
                key: EntrySamples.randomName(&random),
                value: random.bytes(Int.random(in: 0...20, using: &random))
            )
        }
        let bytes = ExtendedAttributes.encode(attributes).bytes
        #expect(try ExtendedAttributes.parse(bytes) == attributes, "seed \(seed)")
        HostileBytes.truncations(of: bytes) { _ = try? ExtendedAttributes.parse($0) }
        HostileBytes.flips(of: bytes) { _ = try? ExtendedAttributes.parse($0) }
    }
}
