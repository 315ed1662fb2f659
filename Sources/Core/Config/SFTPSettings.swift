public import SystemPackage

/// Holds what [SFTP] and the environment say about SSH.
///
/// - Source: rekkord.ini(5).
public struct SFTPSettings: Sendable, Equatable {
    /// How to log in.
    public enum Credential: Sendable, Equatable {
        /// A password.
        case password(SecretText)
        /// The base64 text of a private key.
        case key(SecretText)
        /// A file that holds a private key.
        case keyFile(FilePath)
    }

    /// `SHA256:…` of the host key; nil leaves the check to the known hosts.
    public var fingerprint: String?
    /// Whether the known hosts count when there is no fingerprint.
    public var usesKnownHosts = true
    /// Nil leads to a prompt.
    public var credential: Credential?

    /// The settings of an empty configuration.
    public init() {}
}
