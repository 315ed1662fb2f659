public import Core

/// Keeps objects in a dictionary, with the rules of a store that knows conditional writes, versions and locks.
public final class MemoryStorage: Storage {
    /// One version of an object.
    public struct Version: Sendable {
        /// The content.
        public var bytes: [UInt8]
        /// What a listing and an answer tell; the version has the same name.
        public let entityTag: String
        /// The lock; nil without.
        public var lock: ObjectLock?
    }

    private struct State {
        /// Newest last.
        var versions: [String: [Version]] = [:]
        var writeCount = 0
        var showsLocks = true

        mutating func add(_ name: String, _ bytes: [UInt8], _ lock: ObjectLock? = nil) {
            writeCount += 1
            versions[name, default: []].append(
                Version(bytes: bytes, entityTag: "v\(writeCount)", lock: lock)
            )
        }
    }

    /// Claims to be a folder.
    public let kind = StorageKind.local
    /// A word.
    public let displayURL = "memory"
    /// The lock that new objects get.
    public let retention: ObjectRetention?
    private let state = Locked(State())
    private let clock: TestClock
    /// Whether `.create` refuses to overwrite; false imitates a store without conditional writes.
    private let isConditional: Bool

    /// Starts empty.
    ///
    /// - Parameter clock: Decides until when new objects are locked, if they are.
    public init(
        isConditional: Bool = true,
        retention: ObjectRetention? = nil,
        clock: TestClock = TestClock()
    ) {
        self.isConditional = isConditional
        self.retention = retention
        self.clock = clock
    }

    /// The object `name`, for looking at it, for laying a new version over it, and for removing it.
    public subscript(name: String) -> [UInt8]? {
        get { newest(name)?.bytes }
        set {
            state.withLock { state in
                if let newValue { state.add(name, newValue) } else { state.versions[name] = nil }
            }
        }
    }

    /// All object names, sorted.
    public var names: [String] { state.withLock { $0.versions.keys.sorted() } }

    /// All versions of an object, oldest first.
    public func versions(of name: String) -> [Version] { state.withLock { $0.versions[name] ?? [] } }

    /// The newest version of an object.
    public func newest(_ name: String) -> Version? { versions(of: name).last }

    /// Changes bytes of an object behind the back of the store: nothing but reading it can tell.
    public func rot(_ name: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard let last = state.versions[name]?.indices.last else { return }
            change(&state.versions[name, default: []][last].bytes)
        }
    }

    /// Sets the lock of the newest version against all rules.
    public func setLock(_ name: String, _ lock: ObjectLock?) {
        state.withLock { state in
            guard let last = state.versions[name]?.indices.last else { return }
            state.versions[name, default: []][last].lock = lock
        }
    }

    /// Whether answers tell about locks.
    public var showsLocks: Bool {
        get { state.withLock { $0.showsLocks } }
        set { state.withLock { $0.showsLocks = newValue } }
    }

    /// See `Storage`.
    public func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
        try read(name, limit: limit, isAgain: false).bytes
    }

    /// See `Storage`.
    public func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject {
        guard let version = newest(name) else {
            throw RekkordError(.missing, "cannot read '\(name)': no such object")
        }
        guard version.bytes.count <= limit else {
            throw RekkordError(.corrupted, "cannot read '\(name)': larger than \(limit) bytes")
        }
        return ReadObject(bytes: ByteBuffer(version.bytes), state: told(version))
    }

    private func told(_ version: Version) -> ObjectState {
        var told = ObjectState()
        told.entityTag = version.entityTag
        told.versionID = retention == nil ? nil : version.entityTag
        told.lock = showsLocks ? version.lock : nil
        return told
    }

    /// See `Storage`.
    public func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ mode: WriteMode
    ) throws(RekkordError) -> WriteOutcome {
        let copy = Array(bytes)
        let lock = retention.map {
            ObjectLock(mode: $0.mode, until: clock.now.advanced(bySeconds: $0.seconds))
        }
        return state.withLock { state in
            if mode == .create, isConditional, state.versions[name] != nil { return .exists }
            state.add(name, copy, name == "cw" ? nil : lock)
            return .stored
        }
    }

    /// Extends by the rules of S3: locks that run are neither shortened nor weakened.
    public func extendLock(_ name: String, versionID: String?, to lock: ObjectLock) throws(RekkordError) {
        let refusal = RekkordError(.denied, "cannot extend the lock of '\(name)': access denied")
        let now = clock.now
        try state.withLock { (state) throws(RekkordError) in
            let versions = state.versions[name] ?? []
            let found =
                versionID.map { id in versions.firstIndex { $0.entityTag == id } } ?? versions.indices.last
            guard let index = found else {
                throw RekkordError(.missing, "cannot extend the lock of '\(name)': no such object")
            }
            if let old = versions[index].lock, old.until > now {
                let isWeaker = old.mode == .compliance && lock.mode == .governance
                if lock.until < old.until || isWeaker { throw refusal }
            }
            state.versions[name, default: []][index].lock = lock
        }
    }

    /// See `Storage`.
    public func state(of name: String, byteCount: Int) throws(RekkordError) -> ObjectState {
        guard let version = newest(name) else {
            throw RekkordError(.missing, "cannot read '\(name)': no such object")
        }
        return told(version)
    }

    /// Writes at once; see `Storage`.
    public func makeBatch() throws(RekkordError) -> any WriteBatch {
        DirectWriteBatch(self)
    }

    /// See `Storage`.
    public func list(
        prefix: String,
        _ body: (StoredObject) throws(RekkordError) -> Void
    ) throws(RekkordError) {
        for name in names where name.hasPrefix(prefix) {
            guard let version = newest(name) else { continue }
            var object = StoredObject(name: name, byteCount: version.bytes.count)
            object.entityTag = version.entityTag
            try body(object)
        }
    }

    /// See `Storage`.
    public func initialize(_ objects: [NewObject]) throws(RekkordError) {
        guard names.isEmpty else {
            throw RekkordError(.exists, "cannot initialise 'memory': already initialised")
        }
        for object in objects {
            _ = try object.bytes.withRawBytes { (bytes) throws(RekkordError) in
                try put(object.name, bytes, .create)
            }
        }
    }
}

/// Hands each write to a storage at once.
public final class DirectWriteBatch: WriteBatch {
    private let storage: any Storage
    private let failure = Locked<RekkordError?>(nil)

    /// Writes to `storage`.
    public init(_ storage: any Storage) {
        self.storage = storage
    }

    /// Writes the object before it returns; see `WriteBatch`.
    public func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        completion: @escaping @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    ) {
        let result = Result { () throws(RekkordError) in try storage.put(name, bytes, .create) }
        if case .failure(let error) = result { failure.withLock { $0 = $0 ?? error } }
        completion(result)
    }

    /// Throws the first failure since the last flush.
    public func flush() throws(RekkordError) {
        let error = failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
        if let error { throw error }
    }
}
