/// Computes the checksum that the server compares with what arrived.
///
/// - Source: format.md, 12.3: base64 of the big-endian value.
enum Checksum {
    private static let crc32 = CyclicRedundancyCheck<UInt32>(reflected: 0xEDB8_8320)
    private static let crc32c = CyclicRedundancyCheck<UInt32>(reflected: 0x82F6_3B78)
    private static let crc64nvme = CyclicRedundancyCheck<UInt64>(reflected: 0x9A6C_9329_AC4B_C9B5)

    /// The headers for a body.
    ///
    /// The name of the algorithm goes with the value: some servers ask for the one, some for the other.
    /// - Parameter isLocked: Whether the request sets a lock, which needs one checksum or another.
    /// - Returns: None when none is wanted and none needed.
    static func headers(
        _ type: S3Settings.ChecksumType,
        of body: UnsafeRawBufferPointer,
        isLocked: Bool
    ) -> [(name: String, value: String)] {
        guard let digest = digest(type, of: body) else {
            return isLocked ? [("content-md5", Digest.md5(body).base64)] : []
        }
        return [
            ("x-amz-checksum-\(type.rawValue.lowercased())", digest.base64),
            ("x-amz-sdk-checksum-algorithm", type.rawValue.uppercased()),
        ]
    }

    private static func digest(_ type: S3Settings.ChecksumType, of body: UnsafeRawBufferPointer) -> Digest? {
        switch type {
        case .none: nil
        case .crc32: Digest(bytes: bigEndian(crc32.compute(body)))
        case .crc32c: Digest(bytes: bigEndian(crc32c.compute(body)))
        case .crc64nvme: Digest(bytes: bigEndian(crc64nvme.compute(body)))
        case .sha1: .sha1(body)
        case .sha256: .sha256(body)
        }
    }

    private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
