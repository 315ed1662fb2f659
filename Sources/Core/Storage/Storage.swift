/// Keeps named objects: opaque bytes under opaque names, relative to the repository root.
///
/// Knows nothing of keys and formats. Implementations are safe on any number of threads and block the caller.
/// Errors name the object; a command never sees half an object as a whole one.
/// - Source: rekkord-format(5), "OBJECTS".
public protocol Storage: Sendable {
    /// Which kind of place it is.
    var kind: StorageKind { get }
    /// The repository URL as users know it, without secrets.
    var displayURL: String { get }

    /// Reads a whole object.
    ///
    /// - Parameter limit: the most bytes that are accepted.
    /// - Throws: `.missing` with proof that it is absent, `.denied`, `.corrupted` over the limit, else `.storage`.
    func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer

    /// Reads a whole object and what the store tells about it.
    ///
    /// - Parameter isAgain: Whether the bytes of an earlier read failed verification: they must come by a new
    ///   connection, where there are connections.
    /// - Throws: as `get`.
    func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject

    /// Writes one object; it is durable under its name on return.
    func put(_ name: String, _ bytes: UnsafeRawBufferPointer, _ mode: WriteMode) throws(RekkordError)
        -> WriteOutcome

    /// Starts a group of writes that become durable together.
    func makeBatch() throws(RekkordError) -> any WriteBatch

    /// Calls `body` for each object whose name starts with `prefix`, which is empty or ends with `/`, in any order.
    ///
    /// Temporary files are not objects.
    func list(prefix: String, _ body: (StoredObject) throws(RekkordError) -> Void) throws(RekkordError)

    /// Makes the place for a new repository and writes `objects` in order; removes what it made when it fails.
    ///
    /// - Throws: `.exists` when anything is there already.
    func initialize(_ objects: [NewObject]) throws(RekkordError)

    /// The lock that new objects get; nil without locks.
    var retention: ObjectRetention? { get }

    /// Sets the lock of one version of an object to a later end.
    ///
    /// - Parameter versionID: Nil for the newest.
    /// - Throws: `.denied` also when the lock is longer already.
    func extendLock(_ name: String, versionID: String?, to lock: ObjectLock) throws(RekkordError)

    /// Tells about an object without reading more of it than its first byte.
    ///
    /// - Parameter byteCount: The size of the object, from a listing.
    func state(of name: String, byteCount: Int) throws(RekkordError) -> ObjectState
}

/// What places without locks have in common.
extension Storage {
    /// None.
    public var retention: ObjectRetention? { nil }

    /// Refuses.
    public func extendLock(_ name: String, versionID: String?, to lock: ObjectLock) throws(RekkordError) {
        throw RekkordError(.unsupported, "cannot extend the lock of '\(name)': the storage knows no locks")
    }

    /// Tells nothing.
    public func state(of name: String, byteCount: Int) throws(RekkordError) -> ObjectState { ObjectState() }
}

/// The kinds of places.
public enum StorageKind: Sendable {
    case local
    case s3

    /// Whether answers come over a network, which may damage them.
    public var isRemote: Bool {
        switch self {
        case .local: false
        case .s3: true
        }
    }
}

/// Names with a meaning of their own for storages.
enum ReservedName {
    /// An empty object whose writing shows whether conditional writes are supported; it is never locked.
    ///
    /// - Source: format.md, 2.4.
    static let conditionalWriteProbe = "cw"
}

/// How a write treats an object that is already there.
public enum WriteMode: Sendable {
    /// Leaves it and tells.
    case create
    /// Replaces it as a whole.
    case replace
}

/// How a write ended well.
public enum WriteOutcome: Sendable {
    case stored
    case exists
}

/// One row of a listing.
public struct StoredObject: Sendable {
    /// The name relative to the repository root.
    public let name: String
    /// The size of the object.
    public let byteCount: Int
    /// Changes with every write of the object; nil where the store keeps none.
    public var entityTag: String?

    /// Joins both.
    public init(name: String, byteCount: Int) {
        self.name = name
        self.byteCount = byteCount
    }
}

/// An object that a new repository starts with.
public struct NewObject: Sendable {
    /// The name relative to the repository root.
    public let name: String
    /// The content.
    public let bytes: [UInt8]

    /// Joins a name and its content.
    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// Takes conditional writes that become durable in groups; safe on any number of threads.
///
/// An object that bears its final name is complete and on disk. `completion` runs once per object, on any thread,
/// after that or after a failure; nothing may be remembered as stored before.
public protocol WriteBatch: Sendable {
    /// Hands over one object, which is copied or written before the call returns.
    func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        completion: @escaping @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    )

    /// Makes all that was handed over before durable; returns after all its completions ran.
    ///
    /// - Throws: the first failure since the last flush.
    func flush() throws(RekkordError)
}
