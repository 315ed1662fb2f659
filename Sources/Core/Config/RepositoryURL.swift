public import SystemPackage

/// Reads what a user writes for a repository.
///
/// - Source: rekkord.ini(5).
public enum RepositoryURL: Sendable, Equatable {
    /// A complete location.
    case location(RepositoryLocation)
    /// The word `S3`: the parts are keys of [S3].
    case s3Parts
    /// The word `SFTP`: the parts are keys of [SFTP].
    case sftpParts

    /// Reads one of the forms; a path counts from `folder`.
    ///
    /// - Throws: A reason that does not show the text where it may hold a password.
    public init(_ bytes: [UInt8], relativeTo folder: FilePath) throws(FormatError) {
        if bytes.isEmpty { throw FormatError("the repository URL is empty") }
        if bytes.contains(0) { throw FormatError("the repository URL holds NUL") }
        let text = String(decoding: bytes, as: UTF8.self)
        switch text.lowercased() {
        case "s3": self = .s3Parts
        case "sftp": self = .sftpParts
        default: self = .location(try Self.location(text, bytes, folder))
        }
    }

    private static func location(
        _ text: String,
        _ bytes: [UInt8],
        _ folder: FilePath
    ) throws(FormatError) -> RepositoryLocation {
        let rest = withoutS3Mark(text)
        let isS3 = rest.startIndex != text.startIndex
        if let (scheme, address) = splitScheme(rest) {
            if !PrintedName.isUTF8(bytes) { throw FormatError("the repository URL is not UTF-8") }
            switch scheme {
            case "http", "https": return .s3(try s3(address, isSecure: scheme == "https"))
            case "ssh" where !isS3, "sftp" where !isS3: return .sftp(try sftp(address))
            default:
                throw FormatError(
                    "unknown scheme '\(PrintedName.escape(scheme.utf8))://' in the repository URL"
                )
            }
        }
        if text.lowercased().hasPrefix("s3:") {
            throw FormatError("an S3 repository URL looks like 's3:https://host/bucket'")
        }
        if let location = try copyStyle(bytes) { return .sftp(location) }
        return .local(FilePath(bytes: bytes).resolved(in: folder))
    }

    /// Drops the `s3:` in front of `https://`.
    static func withoutS3Mark(_ text: String) -> Substring {
        let rest = text.dropFirst(3)
        return text.lowercased().hasPrefix("s3:") && splitScheme(rest) != nil ? rest : text[...]
    }

    /// Splits `scheme://rest`; nil when there is no scheme.
    static func splitScheme(_ text: Substring) -> (scheme: String, rest: Substring)? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let scheme = text[..<colon].lowercased()
        let isValid =
            scheme.first?.isLetter == true
            && scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        return isValid ? (scheme, text[text.index(colon, offsetBy: 3)...]) : nil
    }

    /// Reads what follows `https://`.
    static func s3(_ address: Substring, isSecure: Bool) throws(FormatError) -> S3Location {
        let parts = address.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts[0].contains("@") { throw FormatError("credentials do not belong into the repository URL") }
        if address.contains(where: { $0 == "?" || $0 == "#" }) {
            throw FormatError("the repository URL must not hold '?' or '#'")
        }
        let (host, port) = try HostText.parse(parts[0])
        var names = parts.count > 1 ? parts[1].split(separator: "/") : []
        let isVirtualHost = host.drop { $0 != "." }.hasPrefix(".s3.")
        let bucket: Substring
        if isVirtualHost {
            bucket = host.prefix { $0 != "." }
        } else {
            guard !names.isEmpty else { throw FormatError("the repository URL names no bucket") }
            bucket = names.removeFirst()
        }
        return S3Location(
            isSecure: isSecure,
            host: host,
            port: port,
            bucket: String(bucket),
            prefix: names.joined(separator: "/"),
            isVirtualHost: isVirtualHost
        )
    }

    /// Reads what follows `ssh://`.
    static func sftp(_ address: Substring) throws(FormatError) -> SFTPLocation {
        let parts = address.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let at = parts[0].lastIndex(of: "@") else {
            throw FormatError("the repository URL names no user")
        }
        let user = parts[0][..<at]
        if user.contains(":") { throw FormatError("a password does not belong into the repository URL") }
        if user.isEmpty { throw FormatError("the repository URL names no user") }
        let (host, port) = try HostText.parse(parts[0][parts[0].index(after: at)...])
        guard parts.count > 1, !parts[1].isEmpty else {
            throw FormatError("the repository URL names no folder")
        }
        return SFTPLocation(user: String(user), host: host, port: port, path: Array(parts[1].utf8))
    }

    /// Reads `user@host:path`; nil for any other path.
    static func copyStyle(_ bytes: [UInt8]) throws(FormatError) -> SFTPLocation? {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let login = String(decoding: bytes[..<colon], as: UTF8.self)
        let afterColon = bytes[colon...].prefix { $0 != UInt8(ascii: "/") }
        if let at = afterColon.lastIndex(of: UInt8(ascii: "@")), afterColon[at...].contains(UInt8(ascii: ":"))
        {
            throw FormatError("a password does not belong into the repository URL")
        }
        let parts = login.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !login.contains("/") else { return nil }
        let (host, _) = try HostText.parse(parts[1])
        let path = Array(bytes[(colon + 1)...])
        if path.isEmpty { throw FormatError("the repository URL names no folder") }
        return SFTPLocation(user: String(parts[0]), host: host, port: nil, path: path)
    }
}
