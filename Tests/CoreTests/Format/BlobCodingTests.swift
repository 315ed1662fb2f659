@testable import Core
import TestSupport
import Testing

@Suite struct BlobCodingTests {
    private static let hello = Array("hello\n".utf8)

    private static func golden() throws -> [UInt8] {
        let randomness = BlobEncoder.Randomness(
            streamKey: GoldenKeys.secret(from: 0x10),
            header: Array(0x30...0x47),
            ephemeral: GoldenKeys.secret(from: 0x48)
        )
        return try encode(.chunk, hello, level: 1, randomness)
    }

    private static func encode(
        _ type: BlobType,
        _ plaintext: [UInt8],
        level: Int,
        _ randomness: BlobEncoder.Randomness = BlobEncoder.Randomness()
    ) throws -> [UInt8] {
        let keys = try GoldenKeys.master()
        switch keys.dataPublic {
        case .none: return []
        case .some(let key):
            let object = try plaintext.withUnsafeBytes {
                try BlobEncoder().encode(type, $0, level: level, to: key, isVerified: true, randomness)
            }
            return object.array
        }
    }

    private static func decode(_ object: [UInt8], limit: Int = 1 << 26) throws -> (BlobType, [UInt8]) {
        let keys = try GoldenKeys.master()
        let decoder = BlobDecoder()
        switch keys.dataPublic {
        case .none: throw FormatError("no key")
        case .some(let dataPublic):
            switch keys.dataSecret {
            case .none: throw FormatError("no key")
            case .some(let dataSecret):
                return try object.withUnsafeBytes { object in
                    let result = try decoder.decode(
                        object,
                        dataPublic: dataPublic,
                        dataSecret: dataSecret,
                        limit: limit
                    )
                    return (result.type, result.plaintext.array)
                }
            }
        }
    }

    @Test("the published object is made and read")
    func published() throws {
        let object = try Self.golden()
        #expect(
            GoldenKeys.hex(object)
                == "07003bb78502511363650e3733010ca6f369c6404bf1491c6abf7df4c0840fc6"
                + "4735d87c85c3e85fd9a4723d11c87626a4d18fead2d68ae7fdcb09b54f1b8301"
                + "534caf84fa94a58b7a8461bcb003c8185652303132333435363738393a3b3c3d"
                + "3e3f404142434445464708b00778c154692ec1eb01dc9967e0f9645362ba7eda"
                + "bac0cb4966dbb92b426cc8750c5faca136"
        )
        #expect(
            GoldenKeys.sha256(object) == "607113b536d452bd9761bce22152ec16a7962c7e06bab2710a56a1f74bec9a97"
        )
        let (type, plaintext) = try Self.decode(object)
        #expect(type == .chunk)
        #expect(plaintext == Self.hello)
    }

    @Test(
        "object ids are the published ones",
        arguments: [
            (BlobType.chunk, hello, "R3818118AFB0454EB8A8AA845224E36E4181905187173D0B9E9A94864C679AA21"),
            (
                .file, [UInt8](repeating: 0, count: 8),
                "RB1A24C81E494830DDDD4F9C80764F56E9BD51C23656E663A8195B699B874C21E"
            ),
            (
                .link, Array("/etc/passwd".utf8),
                "RF504C55E8732BCD4B108681FBD03FEBFC5EDE5B6FD55026DA963067F80D29EDF"
            ),
            (
                .directory, [UInt8](repeating: 0, count: 16),
                "M18821FD826C988C34E375DD794D3F92884569619D47445E1B93B7F46067508CE"
            ),
            (.directory, [], "M180D6302BC8FE0B8EB66C4DE7FE3624A416EC54977FB07C566B47CDA3F361030"),
        ]
    )
    func objectIDs(type: BlobType, plaintext: [UInt8], id: String) throws {
        let salts = try #require(try GoldenKeys.master().salts)
        let hash = plaintext.withUnsafeBytes { salts.hash(type.rawValue, $0) }
        #expect(ObjectID(type.catalog, hash).description == id)
        #expect(
            ObjectID(text: id.lowercased().replacing("m", with: "M").replacing("r", with: "R"))?.hash == hash
        )
    }

    private static func stream(_ key: UnsafeRawBufferPointer, _ header: [UInt8]) -> Sodium.Stream {
        let start = UnsafeMutableRawBufferPointer.allocate(byteCount: header.count, alignment: 8)
        defer { start.deallocate() }
        start.copyBytes(from: header)
        return Sodium.Stream(key: key, header: UnsafeRawBufferPointer(start))
    }

    static let sizes = [0, 1, 11, 4095, 32767, 32768, 32769, 65535, 65536, 65537, 200_000, 1_500_000]

    @Test("plaintexts come back at every level and size", arguments: [-8, 0, 1, 3, 6, 12], sizes)
    func roundTrip(level: Int, byteCount: Int) throws {
        var random = SeededRandom(UInt64(byteCount))
        // Half of it compresses, half does not.
        let plaintext = random.bytes(byteCount / 2) + [UInt8](repeating: 7, count: byteCount - byteCount / 2)
        let object = try Self.encode(.directory, plaintext, level: level)
        let (type, decoded) = try Self.decode(object)
        #expect(type == .directory)
        #expect(decoded == plaintext)
        let bodyCount = object.count - BlobLayout.introByteCount
        let pieces = (bodyCount + BlobLayout.pieceByteCount + 16) / (BlobLayout.pieceByteCount + 17)
        #expect(Padding.padded(bodyCount - 17 * pieces) == bodyCount - 17 * pieces)
    }

    @Test("a truncation at any length and a flip of any byte is refused or changes the type only")
    func hostile() throws {
        let object = try Self.golden()
        HostileBytes.truncations(of: object) { bytes in
            #expect(throws: FormatError.self) { try Self.decode(bytes) }
        }
        #expect(throws: FormatError.self) { try Self.decode(object + [0]) }
        for index in object.indices where index != 1 {
            var changed = object
            changed[index] ^= 0x41
            #expect(throws: FormatError.self, "byte \(index)") { try Self.decode(changed) }
        }
    }

    @Test("a decompression bomb ends at the limit")
    func bomb() throws {
        let object = try Self.encode(.chunk, [UInt8](repeating: 0, count: 4 << 20), level: 1)
        #expect(object.count < 40000)
        #expect(throws: FormatError("too large when decompressed")) {
            try Self.decode(object, limit: (4 << 20) - 1)
        }
        #expect(try Self.decode(object, limit: 4 << 20).1.count == 4 << 20)
    }

    @Test("a plaintext larger than a block comes back, and the limit holds for it too")
    func large() throws {
        var random = SeededRandom(8)
        let byteCount = BufferPool.blockByteCount + 100_000
        let start = random.bytes(300_000)
        let plaintext = start + [UInt8](repeating: 7, count: byteCount - 2 * start.count) + start
        let object = try Self.encode(.directory, plaintext, level: 1)
        #expect(try Self.decode(object).1 == plaintext)
        #expect(try Self.decode(object, limit: byteCount).1 == plaintext)
        #expect(throws: FormatError.tooLarge) { try Self.decode(object, limit: byteCount - 1) }
    }

    @Test(
        "a plaintext as long as the limit is accepted, wherever its frame ends in a message",
        arguments: [1, 2]
    )
    func exactLimit(pieces: Int) throws {
        var random = SeededRandom(6)
        // 15 bytes of frame, of which the end mark takes the last four.
        let border = pieces * BlobLayout.pieceByteCount - 15
        for byteCount in [0, 1, 100] + (border - 4...border + 20) {
            let plaintext = random.bytes(byteCount)
            let object = try Self.encode(.chunk, plaintext, level: 1)
            #expect(try Self.decode(object, limit: byteCount).1 == plaintext, "\(byteCount)")
            guard byteCount > 0 else { continue }
            #expect(throws: FormatError.tooLarge, "\(byteCount)") {
                try Self.decode(object, limit: byteCount - 1)
            }
        }
    }

    @Test("an empty last message is accepted where the padded frame fills whole messages")
    func emptyFinalMessage() throws {
        var random = SeededRandom(5)
        // 15 bytes of frame, so that frame and padding are exactly one piece.
        let plaintext = random.bytes(BlobLayout.pieceByteCount - 15)
        let randomness = BlobEncoder.Randomness()
        let object = try Self.encode(.chunk, plaintext, level: 1, randomness)
        #expect(object.count == BlobLayout.introByteCount + BlobLayout.pieceByteCount + 17)
        let header = randomness.header
        let frame = randomness.streamKey.withBytes { key in
            var stream = Self.stream(key, header)
            var frame = [UInt8](repeating: 0, count: BlobLayout.pieceByteCount)
            object[BlobLayout.introByteCount...].withUnsafeBytes { message in
                frame.withUnsafeMutableBytes { _ = stream.pull(message, into: $0) }
            }
            return frame
        }
        let messages = randomness.streamKey.withBytes { key in
            var stream = Self.stream(key, header)
            var messages = [UInt8](repeating: 0, count: BlobLayout.pieceByteCount + 34)
            messages.withUnsafeMutableBytes { target in
                frame.withUnsafeBytes {
                    stream.push($0, isFinal: false, into: target.slice(0..<BlobLayout.pieceByteCount + 17))
                }
                let rest = target.slice(BlobLayout.pieceByteCount + 17..<target.count)
                stream.push(UnsafeRawBufferPointer(start: nil, count: 0), isFinal: true, into: rest)
            }
            return messages
        }
        #expect(try Self.decode(Array(object[..<BlobLayout.introByteCount]) + messages).1 == plaintext)
    }

    @Test("versions and types that are not known are named")
    func unknownVersions() throws {
        var object = try Self.golden()
        object[0] = 8
        #expect(throws: FormatError("blob version 8 is not supported")) { try Self.decode(object) }
        object[0] = 7
        object[1] = 13
        #expect(throws: FormatError("blob type 13 is not supported")) { try Self.decode(object) }
        object[1] = 0xFF
        #expect(throws: FormatError("blob type -1 is not supported")) { try Self.decode(object) }
    }
}
