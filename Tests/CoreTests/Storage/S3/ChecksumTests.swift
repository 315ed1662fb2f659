@testable import Core
import TestSupport
import Testing

@Suite struct ChecksumTests {
    private func header(
        _ type: S3Settings.ChecksumType,
        _ text: String,
        isLocked: Bool = false
    ) -> String? {
        Array(text.utf8).withRawBytes { bytes in
            Checksum.headers(type, of: bytes, isLocked: isLocked).first.map { "\($0.name): \($0.value)" }
        }
    }

    /// Check values: the catalogue of parametrised CRC algorithms for `123456789`; RFC 3174, FIPS 180-4 for `abc`.
    @Test("check values of the algorithms, base64 of the big-endian bytes")
    func checkValues() {
        // CBF43926, E3069283, AE8B14860A799888
        #expect(header(.crc32, "123456789") == "x-amz-checksum-crc32: y/Q5Jg==")
        #expect(header(.crc32c, "123456789") == "x-amz-checksum-crc32c: 4waSgw==")
        #expect(header(.crc64nvme, "123456789") == "x-amz-checksum-crc64nvme: rosUhgp5mIg=")
        #expect(header(.sha1, "abc") == "x-amz-checksum-sha1: qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")
        #expect(
            header(.sha256, "abc") == "x-amz-checksum-sha256: ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        )
    }

    @Test("None sends nothing, except MD5 where a lock needs a checksum (RFC 1321)")
    func noChecksum() {
        #expect(header(.none, "abc") == nil)
        #expect(header(.none, "abc", isLocked: true) == "content-md5: kAFQmDzST7DWlj99KOF/cg==")
        #expect(header(.crc32, "", isLocked: true) == "x-amz-checksum-crc32: AAAAAA==")
        #expect(header(.none, "", isLocked: true) == "content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==")
    }

    /// What the definition says, one bit after the other.
    private func slow<Word: FixedWidthInteger & UnsignedInteger>(_ bytes: [UInt8], _ polynomial: Word) -> Word
    {
        var crc = Word.max
        for byte in bytes {
            crc ^= Word(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
        }
        return ~crc
    }

    @Test("eight bytes at a time give the same as one bit at a time", arguments: 0..<40)
    func slicing(byteCount: Int) {
        var random = SeededRandom(UInt64(byteCount))
        let bytes = random.bytes(byteCount + 3)
        let narrow = CyclicRedundancyCheck<UInt32>(reflected: 0x82F6_3B78)
        let wide = CyclicRedundancyCheck<UInt64>(reflected: 0x9A6C_9329_AC4B_C9B5)
        for start in 0..<3 {
            let slice = Array(bytes[start..<start + byteCount])
            bytes.withUnsafeBytes { all in
                let part = UnsafeRawBufferPointer(rebasing: all[start..<start + byteCount])
                #expect(narrow.compute(part) == slow(slice, 0x82F6_3B78))
                #expect(wide.compute(part) == slow(slice, 0x9A6C_9329_AC4B_C9B5))
            }
        }
    }
}
