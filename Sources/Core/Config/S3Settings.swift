public import SystemPackage

/// Holds what [S3] and the environment say about S3 storage.
///
/// - Source: rekkord.ini(5).
public struct S3Settings: Sendable, Equatable {
    /// Who may shorten a lock.
    public enum RetainMode: String, Sendable, CaseIterable {
        case governance = "GOVERNANCE"
        case compliance = "COMPLIANCE"
    }

    /// The checksum that goes with every PUT.
    public enum ChecksumType: String, Sendable, CaseIterable {
        case none = "None"
        case crc32 = "CRC32"
        case crc32c = "CRC32C"
        case crc64nvme = "CRC64nvme"
        case sha1 = "SHA1"
        case sha256 = "SHA256"
    }

    /// How long objects are locked; 0 means no locks.
    public var retainSeconds: Int64 = 0
    /// The mode of the locks.
    public var retainMode = RetainMode.governance
    /// The checksum sent with PUTs.
    public var checksumType = ChecksumType.crc64nvme
    /// Nil lets the host name or the first answer decide.
    public var region: String?
    /// The public half of the credentials.
    public var accessKeyID: String?
    /// The secret half of the credentials.
    public var secretKey: SecretText?
    /// The certificates that vouch for the server, in PEM form; nil means those of the system.
    public var certificateFile: FilePath?

    /// The settings of an empty configuration.
    public init() {}

    /// Refuses a duration that is most likely a slip: too short to protect, or too long to pay.
    public static func checkRetainSeconds(_ seconds: Int64) throws(FormatError) {
        let day: Int64 = 86400
        if (14 * day...100 * day).contains(seconds) { return }
        throw FormatError("RetainDuration of \(DurationText.describe(seconds)) is outside 14d to 100d")
    }
}
