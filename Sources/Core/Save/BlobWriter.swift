import Synchronization

/// Stores each blob once, and lets the cache know when it is durable.
///
/// ```
/// store ─ identify ─ known? ─ seal ─ batch ┄ durable ─┐
/// remember(record) ────────────────────────────────── checkpoint ─ cache
/// ```
///
/// A record waits for the checkpoint after it: by then all blobs that were handed over before are durable.
final class BlobWriter: Sendable {
    /// What is known of a blob that the cache does not answer for yet.
    private enum Blob {
        /// Somebody seals it; these want to know its size.
        case sealing([@Sendable (Int64) -> Void])
        /// It was handed over, with this size.
        case handedOver(Int64)
    }

    private struct State {
        var blobs: [ObjectID: Blob] = [:]
        var durable: [LocalCache.StoredBlob] = []
        var records: [LocalCache.NewRecord] = []
        var recordByteCount = 0
        var failure: RekkordError?

        var wantsCheckpoint: Bool {
            durable.count >= BlobWriter.checkpointBlobCount
                || recordByteCount >= BlobWriter.checkpointRecordByteCount
        }
    }

    /// A checkpoint comes after so much time, or earlier after so many blobs or bytes of records.
    private static let checkpointMilliseconds = 5_000
    private static let checkpointBlobCount = 16_384
    private static let checkpointRecordByteCount = 8 << 20

    private let repository: Repository
    private let batch: any WriteBatch
    private let cache: LocalCache?
    private let effort: CompressionEffort
    private let verifiesBlobs: Bool
    private let isDryRun: Bool
    private let state = Locked(State())
    private let added = Atomic<Int64>(0)
    private let hasFailed = Atomic(false)
    private let requests = BoundedQueue<Bool>(capacity: 1)
    private let checkpointer: Locked<WorkerThread?> = Locked(nil)

    init(_ repository: Repository, cache: LocalCache?, options: SaveOptions) throws(RekkordError) {
        self.repository = repository
        self.cache = cache
        effort = CompressionEffort(level: options.compressionLevel)
        verifiesBlobs = options.verifiesBlobs
        isDryRun = options.isDryRun
        batch = isDryRun ? DiscardingBatch() : try repository.storage.makeBatch()
    }

    // MARK: - Life

    /// Starts to keep the cache up to date while blobs are being stored.
    func start() throws(RekkordError) {
        let thread = try WorkerThread(name: "checkpoint") { [self] in
            while true {
                switch requests.pop(timeoutMilliseconds: Self.checkpointMilliseconds) {
                case .closed: return
                // A failure stops the save by itself.
                case .element, .timedOut: try? checkpoint()
                }
            }
        }
        checkpointer.withLock { $0 = thread }
    }

    /// Ends what `start` began.
    func stop() {
        requests.close()
        checkpointer.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    /// The first failure of the storage, after which nothing is to be stored any more.
    var failure: RekkordError? {
        hasFailed.load(ordering: .acquiring) ? state.withLock { $0.failure } : nil
    }

    /// The encrypted bytes that were uploaded since the last call.
    func takeAdded() -> Int64 { added.exchange(0, ordering: .relaxed) }

    // MARK: - Blobs

    /// Makes sure that a blob is stored or handed over, and returns its name and encrypted size.
    ///
    /// - Parameter later: Called instead, on another thread, when the size is nil since that thread seals the blob.
    /// - Throws: `.corrupted` when a check of the sealed blob fails.
    func store(
        _ type: BlobType,
        _ plaintext: UnsafeRawBufferPointer,
        later: @escaping @Sendable (ObjectID, Int64) -> Void
    ) throws(RekkordError) -> (id: ObjectID, byteCount: Int64?) {
        let id = repository.identify(type, plaintext)
        let isUnknown = state.withLock { $0.blobs[id] == nil }
        if isUnknown, let byteCount = cache?.storedByteCount(of: id) { return (id, byteCount) }
        let claim = state.withLock { state in
            Self.claim(id, in: &state) { later(id, $0) }
        }
        switch claim {
        case .stored(let byteCount): return (id, byteCount)
        case .sealedElsewhere: return (id, nil)
        case .ours: return (id, try seal(type, plaintext, id))
        }
    }

    private enum Claim {
        case stored(Int64)
        case sealedElsewhere
        case ours
    }

    private static func claim(
        _ id: ObjectID,
        in state: inout State,
        _ later: @escaping @Sendable (Int64) -> Void
    ) -> Claim {
        switch state.blobs[id] {
        case .handedOver(let byteCount):
            return .stored(byteCount)
        case .sealing(let waiting):
            state.blobs[id] = .sealing(waiting + [later])
            return .sealedElsewhere
        case nil:
            state.blobs[id] = .sealing([])
            return .ours
        }
    }

    private func seal(
        _ type: BlobType,
        _ plaintext: UnsafeRawBufferPointer,
        _ id: ObjectID
    ) throws(RekkordError) -> Int64 {
        let object: ByteBuffer
        do {
            object = try repository.seal(
                type,
                plaintext,
                level: effort.level(for: plaintext),
                isVerified: verifiesBlobs
            )
        } catch {
            fail(error)
            throw error
        }
        let byteCount = Int64(object.count)
        object.withBytes { bytes in
            batch.put(id.objectName, bytes) { [weak self] result in
                self?.finish(id, byteCount, result)
            }
        }
        let waiting = state.withLock { (state) -> [@Sendable (Int64) -> Void] in
            defer { state.blobs[id] = .handedOver(byteCount) }
            guard case .sealing(let waiting) = state.blobs[id] else { return [] }
            return waiting
        }
        for later in waiting { later(byteCount) }
        return byteCount
    }

    /// Takes what the storage says about one blob.
    private func finish(_ id: ObjectID, _ byteCount: Int64, _ result: Result<WriteOutcome, RekkordError>) {
        switch result {
        case .failure(let error):
            fail(error)
        case .success(let outcome):
            if outcome == .stored { added.wrappingAdd(byteCount, ordering: .relaxed) }
            let wantsCheckpoint = state.withLock { state in
                state.durable.append(LocalCache.StoredBlob(id: id, byteCount: byteCount))
                return state.wantsCheckpoint
            }
            if wantsCheckpoint { _ = requests.tryPush(true) }
        }
    }

    private func fail(_ error: RekkordError) {
        state.withLock { state in
            if state.failure == nil { state.failure = error }
        }
        hasFailed.store(true, ordering: .releasing)
    }

    // MARK: - Cache

    /// Adds blobs that are known to be stored, where no cache can remember them.
    func learn(_ blobs: [LocalCache.StoredBlob]) {
        state.withLock { state in
            for blob in blobs { state.blobs[blob.id] = .handedOver(blob.byteCount) }
        }
    }

    /// Keeps a folder's record as soon as everything in it is durable; all its blobs were handed over.
    func remember(_ record: LocalCache.NewRecord) {
        guard cache != nil, !isDryRun else { return }
        let wantsCheckpoint = state.withLock { state in
            state.records.append(record)
            state.recordByteCount += record.byteCount
            return state.wantsCheckpoint
        }
        if wantsCheckpoint { _ = requests.tryPush(true) }
    }

    /// Makes everything that was handed over durable, and then known to the cache.
    ///
    /// - Throws: the first failure of the storage.
    func checkpoint() throws(RekkordError) {
        let records = state.withLock { state in
            defer {
                state.records = []
                state.recordByteCount = 0
            }
            return state.records
        }
        try batch.flush()
        if let failure { throw failure }
        let durable = state.withLock { state in
            defer { state.durable = [] }
            return state.durable
        }
        guard let cache, !isDryRun, cache.remember(blobs: durable, records: records) else { return }
        // From here on the cache answers for them.
        state.withLock { state in
            for blob in durable { state.blobs[blob.id] = nil }
        }
    }
}

/// Takes what a dry run would have stored.
private struct DiscardingBatch: WriteBatch {
    func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        completion: @escaping @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    ) {
        completion(.success(.stored))
    }

    func flush() throws(RekkordError) {}
}
