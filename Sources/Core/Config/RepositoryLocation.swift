public import SystemPackage

/// Tells where a repository is.
///
/// - Source: rekkord.ini(5); rekkord-format(5), "OBJECTS".
public enum RepositoryLocation: Sendable, Equatable {
    /// A folder of this machine; the path is absolute.
    case local(FilePath)
    /// A bucket, or a prefix in one.
    case s3(S3Location)
    /// A folder of another machine.
    case sftp(SFTPLocation)

    /// The form for messages and logs; it never holds a secret.
    public var displayURL: String {
        switch self {
        case .local(let path): path.printed
        case .s3(let location): location.displayURL
        case .sftp(let location): location.displayURL
        }
    }

    /// The number of workers when nobody sets it.
    public func defaultThreadCount(cores: Int) -> Int {
        switch self {
        case .local: min(2 * cores, 32)
        case .s3, .sftp: min(8 * cores, 64)
        }
    }
}

/// Names a bucket, or a prefix in one, at an S3 service.
public struct S3Location: Sendable, Equatable {
    /// Whether the service speaks TLS.
    public let isSecure: Bool
    /// The service; with `isVirtualHost` its first label is the bucket.
    public let host: String
    /// Nil for the scheme's own.
    public let port: Int?
    /// The name of the bucket.
    public let bucket: String
    /// The folder in the bucket, without slashes at its ends; may be empty.
    public let prefix: String
    /// Whether the host names the bucket, so that paths do not.
    public let isVirtualHost: Bool

    /// `s3:https://host/bucket/prefix`.
    public var displayURL: String {
        var parts = [HostText.join(host, port)]
        if !isVirtualHost { parts.append(bucket) }
        if !prefix.isEmpty { parts.append(prefix) }
        return "s3:\(isSecure ? "https" : "http")://" + PrintedName.escape(parts.joined(separator: "/").utf8)
    }
}

/// Names a folder at an SSH server.
public struct SFTPLocation: Sendable, Equatable {
    /// The login name.
    public let user: String
    /// The server.
    public let host: String
    /// Nil for 22.
    public let port: Int?
    /// The folder, relative to the login folder unless it starts with `/`.
    public let path: [UInt8]

    /// `ssh://user@host/path`.
    public var displayURL: String {
        "ssh://" + PrintedName.escape("\(user)@\(HostText.join(host, port))/".utf8) + PrintedName.escape(path)
    }
}
