/// Tells a user what failed, on which object, why, and what to do next.
///
/// `message` is one clause in lower case without a full stop, and names its object:
/// `cannot read '/srv/a': Permission denied`. It never holds key bytes, secrets or file content.
public struct RekkordError: Error, Sendable {
    /// The closed list of reasons; it decides the exit status and, in a mount, the errno.
    public enum Kind: Sendable, CaseIterable {
        /// Wrong use of the command line or the configuration (status 64).
        case usage
        /// The repository is proven to be absent or not initialised (status 10).
        case notInitialized
        /// The key is malformed, tampered with, made for another repository, or lacks the right (status 12).
        case key
        /// A stored object is missing (status 1, EIO).
        case missing
        /// A stored object fails authentication, is cut off or has a bad structure (status 1, EIO).
        case corrupted
        /// The storage cannot be reached or answered with a failure (status 1, EIO).
        case storage
        /// The storage refuses access (status 1, EIO).
        case denied
        /// A name, channel or path does not exist (status 1, ENOENT).
        case notFound
        /// Something is in the way: a file, a repository (status 1, EEXIST).
        case exists
        /// A local file or system call failed (status 1, EIO).
        case system
        /// The user or a signal ended the work (status by signal, EINTR).
        case interrupted
        /// A known limit or unsupported version or feature (status 1, EIO).
        case unsupported
    }

    /// The reason.
    public let kind: Kind
    /// What failed, as one clause.
    public let message: String
    /// What to do next, when it is known.
    public let hint: String?
    /// Further lines that belong to the same failure, such as each error in a configuration file.
    public let details: [String]

    /// Makes an error; see the type for what the texts look like.
    public init(_ kind: Kind, _ message: String, hint: String? = nil, details: [String] = []) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.details = details
    }
}

/// Tells what is wrong with stored or typed bytes, without naming the object they came from.
///
/// Decoders throw it; the caller that knows the object's name turns it into a `RekkordError`.
public struct FormatError: Error, Sendable, Equatable {
    /// One clause, such as `malformed directory`.
    public let reason: String
    /// What it means for a stored object.
    public let damage: Damage

    /// Makes an error from a clause.
    public init(_ reason: String, _ damage: Damage = .structure) {
        self.reason = reason
        self.damage = damage
    }

    /// A blob has a larger plaintext than its reader accepts.
    static let tooLarge = FormatError("too large when decompressed")
}
