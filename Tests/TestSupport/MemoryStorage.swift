public import Core

/// Keeps objects in a dictionary, with the rules of a store that knows conditional writes.
public final class MemoryStorage: Storage {
    /// Claims to be a folder.
    public let kind = StorageKind.local
    /// A word.
    public let displayURL = "memory"
    private let objects = Locked<[String: [UInt8]]>([:])
    /// Whether `.create` refuses to overwrite; false imitates a store without conditional writes.
    private let isConditional: Bool

    /// Starts empty.
    public init(isConditional: Bool = true) {
        self.isConditional = isConditional
    }

    /// The object `name`, for looking at it and for damaging it.
    public subscript(name: String) -> [UInt8]? {
        get { objects.withLock { $0[name] } }
        set { objects.withLock { $0[name] = newValue } }
    }

    /// All object names, sorted.
    public var names: [String] { objects.withLock { $0.keys.sorted() } }

    /// See `Storage`.
    public func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
        guard let bytes = self[name] else {
            throw RekkordError(.missing, "cannot read '\(name)': no such object")
        }
        guard bytes.count <= limit else {
            throw RekkordError(.corrupted, "cannot read '\(name)': larger than \(limit) bytes")
        }
        return ByteBuffer(bytes)
    }

    /// See `Storage`.
    public func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ mode: WriteMode
    ) throws(RekkordError) -> WriteOutcome {
        let copy = Array(bytes)
        return objects.withLock { objects in
            if mode == .create, isConditional, objects[name] != nil { return .exists }
            objects[name] = copy
            return .stored
        }
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
            try body(StoredObject(name: name, byteCount: self[name]?.count ?? 0))
        }
    }

    /// See `Storage`.
    public func initialize(_ objects: [NewObject]) throws(RekkordError) {
        guard names.isEmpty else {
            throw RekkordError(.exists, "cannot initialise 'memory': already initialised")
        }
        for object in objects { self[object.name] = object.bytes }
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
