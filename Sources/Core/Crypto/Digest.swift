internal import CCrypto

/// Holds a digest or checksum of public bytes, as protocols of others ask for it.
///
/// Stored data is named and protected by other means; this is for the requests to a server.
struct Digest: Equatable {
    /// The bytes in the order in which they are sent.
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    static func sha256(_ message: UnsafeRawBufferPointer) -> Digest {
        Digest(bytes: Sodium.sha256(message))
    }

    /// HMAC-SHA256 with a key of any length.
    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> Digest {
        Digest(bytes: Sodium.hmacSHA256(key: key, message))
    }

    /// - Source: C: `EVP_sha1`.
    static func sha1(_ message: UnsafeRawBufferPointer) -> Digest {
        openSSL(byteCount: 20) { rk_sha1(message.baseAddress, message.count, $0) }
    }

    /// - Source: C: `EVP_md5`.
    static func md5(_ message: UnsafeRawBufferPointer) -> Digest {
        openSSL(byteCount: 16) { rk_md5(message.baseAddress, message.count, $0) }
    }

    private static func openSSL(
        byteCount: Int,
        _ compute: (UnsafeMutablePointer<UInt8>?) -> Int32
    ) -> Digest {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let status = bytes.withUnsafeMutableBufferPointer { compute($0.baseAddress) }
        guard status == 1 else { fatalError("OpenSSL lacks a digest of \(byteCount) bytes") }
        return Digest(bytes: bytes)
    }

    /// Standard alphabet with padding.
    var base64: String {
        bytes.withRawBytes { String(decoding: Sodium.base64($0, .standard), as: UTF8.self) }
    }

    /// Lower-case digits.
    var hexadecimal: String { Hexadecimal.encode(bytes).lowercased() }
}
