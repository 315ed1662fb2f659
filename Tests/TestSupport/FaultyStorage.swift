public import Core

/// Records every request to a storage and lets chosen ones fail.
public final class FaultyStorage: Storage {
    /// One request, as the table of requests counts them.
    public struct Request: Hashable, Sendable, CustomStringConvertible {
        /// What was asked.
        public enum Verb: String, Sendable { case get, create, replace, list, initialize, extendLock, state }

        /// What was asked.
        public let verb: Verb
        /// The object, or the prefix of a listing.
        public let name: String

        /// Verb and name.
        public var description: String { "\(verb.rawValue) \(name)" }
    }

    private struct State {
        var requests: [Request] = []
        var failure: (@Sendable (Int, Request) -> RekkordError?)?
    }

    private let base: any Storage
    private let state = Locked(State())

    /// Passes everything on to `base`.
    public init(_ base: any Storage) {
        self.base = base
    }

    /// The requests so far, in order.
    public var requests: [Request] { state.withLock { $0.requests } }

    /// Forgets the requests so far.
    public func forgetRequests() { state.withLock { $0.requests = [] } }

    /// Asks `failure` before each request; it gets the number of the request, from 0, and the request.
    ///
    /// What it returns is thrown instead of the request being passed on; nil lets it pass.
    public func fail(_ failure: (@Sendable (Int, Request) -> RekkordError?)?) {
        state.withLock { $0.failure = failure }
    }

    /// Lets the request with this number fail, counted from now on.
    public func failOnce(at number: Int) {
        forgetRequests()
        fail { index, request in
            index == number
                ? RekkordError(.storage, "cannot \(request.verb.rawValue) '\(request.name)': injected fault")
                : nil
        }
    }

    private func record(_ verb: Request.Verb, _ name: String) throws(RekkordError) {
        let request = Request(verb: verb, name: name)
        let (index, failure) = state.withLock { state in
            state.requests.append(request)
            return (state.requests.count - 1, state.failure)
        }
        if let error = failure?(index, request) { throw error }
    }

    /// Of the storage behind.
    public var kind: StorageKind { base.kind }
    /// Of the storage behind.
    public var displayURL: String { base.displayURL }

    /// Records, perhaps fails, passes on.
    public func get(_ name: String, limit: Int) throws(RekkordError) -> ByteBuffer {
        try record(.get, name)
        return try base.get(name, limit: limit)
    }

    /// Records, perhaps fails, passes on.
    public func read(_ name: String, limit: Int, isAgain: Bool) throws(RekkordError) -> ReadObject {
        try record(.get, name)
        return try base.read(name, limit: limit, isAgain: isAgain)
    }

    /// Records, perhaps fails, passes on.
    public func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ mode: WriteMode
    ) throws(RekkordError) -> WriteOutcome {
        try record(mode == .create ? .create : .replace, name)
        return try base.put(name, bytes, mode)
    }

    /// Each write of the batch is a request.
    public func makeBatch() throws(RekkordError) -> any WriteBatch {
        DirectWriteBatch(self)
    }

    /// Records, perhaps fails, passes on.
    public func list(
        prefix: String,
        _ body: (StoredObject) throws(RekkordError) -> Void
    ) throws(RekkordError) {
        try record(.list, prefix)
        try base.list(prefix: prefix, body)
    }

    /// Records, perhaps fails, passes on.
    public func initialize(_ objects: [NewObject]) throws(RekkordError) {
        try record(.initialize, "")
        try base.initialize(objects)
    }

    /// Of the storage behind.
    public var retention: ObjectRetention? { base.retention }

    /// Records, perhaps fails, passes on.
    public func extendLock(_ name: String, versionID: String?, to lock: ObjectLock) throws(RekkordError) {
        try record(.extendLock, name)
        try base.extendLock(name, versionID: versionID, to: lock)
    }

    /// Records, perhaps fails, passes on.
    public func state(of name: String, byteCount: Int) throws(RekkordError) -> ObjectState {
        try record(.state, name)
        return try base.state(of: name, byteCount: byteCount)
    }
}
