/// Holds what a store tells about an object beside its bytes; a folder tells nothing.
public struct ObjectState: Sendable, Equatable {
    /// Changes with every write of the object.
    public var entityTag: String?
    /// Names this version among all that the store keeps.
    public var versionID: String?
    /// How the object is locked; nil when it is not, or when we may not know.
    public var lock: ObjectLock?

    /// Tells nothing.
    public init() {}

    /// An entity tag without the quotes around it.
    static func unquoted(_ tag: String) -> String {
        tag.utf8.count >= 2 && tag.hasPrefix("\"") && tag.hasSuffix("\"")
            ? String(tag.dropFirst().dropLast()) : tag
    }
}

/// Forbids to delete or replace one version of an object until a time.
public struct ObjectLock: Sendable, Equatable {
    /// Who may shorten it.
    public let mode: S3Settings.RetainMode
    /// When it ends.
    public let until: Timestamp

    /// Joins both.
    public init(mode: S3Settings.RetainMode, until: Timestamp) {
        self.mode = mode
        self.until = until
    }
}

/// Tells how new objects are locked.
public struct ObjectRetention: Sendable, Equatable {
    /// Who may shorten a lock.
    public let mode: S3Settings.RetainMode
    /// How long a lock lasts from the write on.
    public let seconds: Int64

    /// Joins both.
    public init(mode: S3Settings.RetainMode, seconds: Int64) {
        self.mode = mode
        self.seconds = seconds
    }
}

/// Holds an object and what the store tells about it.
public struct ReadObject: Sendable {
    /// The content.
    public let bytes: ByteBuffer
    /// The rest.
    public let state: ObjectState

    /// Joins both.
    public init(bytes: ByteBuffer, state: ObjectState = ObjectState()) {
        self.bytes = bytes
        self.state = state
    }
}
