/// Joins keys and storage: the one door to stored bytes in each direction.
///
/// `get` does all checking, so nobody behind it can forget to. Safe on any number of threads; each call works on
/// the thread of its caller.
public final class Repository: Sendable {
    /// The largest object that is read, in bytes.
    public static let maxObjectByteCount = 256 << 20
    /// The largest plaintext that is read, in bytes.
    public static let maxPlaintextByteCount = BlobDecoder.maxPlaintextByteCount

    /// What opens and seals.
    public let keys: KeySet
    /// Where the objects are.
    public let storage: any Storage
    /// 16 bytes that never change.
    public let repositoryID: [UInt8]
    /// 16 bytes that `change_cid` replaces.
    public let cacheID: [UInt8]
    /// What the storage told about the config object; nothing when it was just made.
    let configState: ObjectState

    let tagWatch = TagWatch()
    private let decoders: Pool<BlobDecoder>
    private let encoders = Pool<BlobEncoder> { BlobEncoder() }

    private init(
        _ storage: any Storage,
        keys: KeySet,
        _ config: ConfigObject,
        _ configState: ObjectState = ObjectState(),
        decoderCount: Int
    ) {
        decoders = Pool(limit: decoderCount) { BlobDecoder() }
        self.configState = configState
        self.storage = storage
        self.keys = keys
        repositoryID = config.repositoryID
        cacheID = config.cacheID
    }

    // MARK: Opening

    /// Reads the config object and proves that the key belongs to it.
    ///
    /// - Throws: `.notInitialized`, `.key` when the key was made for another repository, `.unsupported` for another
    ///   revision of the format, or what the storage says.
    /// - Parameter decoderCount: How many blobs are decoded at once at most; nobody gains by more than there are processors.
    public static func open(
        _ storage: any Storage,
        keys: KeySet,
        decoderCount: Int = System.processorCount
    ) throws(RekkordError) -> Repository {
        let name = "cannot open repository '\(storage.displayURL)'"
        do throws(RekkordError) {
            let result = try readVerified(storage, ObjectNames.config, limit: ConfigObject.byteCount) {
                (object) throws(ConfigObject.Failure) in
                let config = try ConfigObject(object.bytes.array, key: keys.configKey)
                return Repository(storage, keys: keys, config, object.state, decoderCount: decoderCount)
            }
            switch result {
            case .success(let repository): return repository
            case .failure(.keyDoesNotMatch): throw RekkordError(.key, "\(name): key does not match")
            case .failure(.unsupported(let error)):
                throw RekkordError(.unsupported, "\(name): \(error.reason)")
            }
        } catch {
            switch error.kind {
            case .missing:
                throw RekkordError(.notInitialized, "\(name): not initialised", hint: "run 'rekkord init'")
            case .corrupted:
                throw RekkordError(.unsupported, "\(name): malformed config object")
            default:
                throw error
            }
        }
    }

    /// Makes a new repository in an empty place.
    ///
    /// - Throws: `.key` without Config, `.exists` when something is there.
    public static func create(_ storage: any Storage, keys: KeySet) throws(RekkordError) -> Repository {
        let config = ConfigObject(
            repositoryID: Sodium.random(ConfigObject.idByteCount),
            cacheID: Sodium.random(ConfigObject.idByteCount)
        )
        let object = try encode(config, keys: keys, verb: "initialise")
        // The probe first: a repository exists as soon as its config object does.
        try storage.initialize([
            NewObject(name: ObjectNames.conditionalWrite, bytes: []),
            NewObject(name: ObjectNames.config, bytes: object),
        ])
        return Repository(storage, keys: keys, config, decoderCount: System.processorCount)
    }

    /// Replaces the cache id, so that every machine drops its cache.
    ///
    /// - Returns: The new id.
    @discardableResult
    public func changeCacheID() throws(RekkordError) -> [UInt8] {
        let config = ConfigObject(
            repositoryID: repositoryID,
            cacheID: Sodium.random(ConfigObject.idByteCount)
        )
        let object = try Self.encode(config, keys: keys, verb: "change the cache ID")
        _ = try object.withRawBytes { (bytes) throws(RekkordError) in
            try storage.put(ObjectNames.config, bytes, .replace)
        }
        return config.cacheID
    }

    private static func encode(_ config: ConfigObject, keys: KeySet, verb: String) throws(RekkordError)
        -> [UInt8]
    {
        switch keys.configSeed {
        case .some(let seed): return config.encode(key: keys.configKey, seed: seed)
        case .none:
            throw RekkordError(.key, "cannot \(verb) with \(keys.type.name) key", hint: "use the Master key")
        }
    }

    // MARK: Blobs

    /// Reads, decrypts, decodes and verifies one blob.
    ///
    /// The plaintext has the hash that `id` names, so type and content are those of whoever named it.
    /// - Parameter limit: the largest plaintext that is accepted, in bytes.
    /// - Throws: `.missing`, `.corrupted`, or what the storage says; the message names the blob, not its path.
    public func get(_ id: ObjectID, limit: Int = maxPlaintextByteCount) throws(RekkordError) -> Blob {
        try read(id, limit: limit).blob
    }

    /// As `get`, with what the store tells about the object that was verified.
    public func read(
        _ id: ObjectID,
        limit: Int = maxPlaintextByteCount
    ) throws(RekkordError) -> (blob: Blob, state: ObjectState) {
        let (blob, object) = try readObject(id, limit: limit)
        return (blob, object.state)
    }

    /// As `get`, with the object that was verified.
    ///
    /// - Parameter received: Called when the object came, before it is decoded.
    func readObject(
        _ id: ObjectID,
        limit: Int = maxPlaintextByteCount,
        received: () -> Void = {}
    ) throws(RekkordError) -> (blob: Blob, object: ReadObject) {
        do throws(RekkordError) {
            switch try inspect(id, limit: limit, received: received) {
            case .success(let verified): return (verified.blob, verified.object)
            case .failure(let error):
                throw RekkordError(.corrupted, "\(id): \(error.reason)")
            }
        } catch {
            throw error.kind == .missing
                ? RekkordError(.missing, "\(id): object is missing") : error
        }
    }

    /// A blob that was verified.
    struct VerifiedBlob {
        let blob: Blob
        /// The object that it was made from, and what the storage told about that.
        let object: ReadObject
    }

    /// Reads and verifies one blob from the storage itself; what is wrong with the object is a result.
    ///
    /// - Throws: What the storage says when there is no object to judge.
    func inspect(
        _ id: ObjectID,
        limit: Int = maxPlaintextByteCount,
        received: () -> Void = {}
    ) throws(RekkordError) -> Result<VerifiedBlob, FormatError> {
        try Self.readVerified(storage, id.objectName, limit: Self.objectByteCount(limit)) {
            (object) throws(FormatError) in
            received()
            return VerifiedBlob(blob: try open(object.bytes, id, limit: limit), object: object)
        }
    }

    /// The largest object that can hold a plaintext of so many bytes, with room to spare: LZ4 adds less than a
    /// hundredth, padding less than an eighth.
    private static func objectByteCount(_ plaintext: Int) -> Int {
        min(maxObjectByteCount, plaintext + plaintext / 4 + 65_536)
    }

    /// How often an object that fails verification is read at most.
    private static let maxReadCount = 10

    /// Reads an object until `verify` accepts it, as long as that may help.
    ///
    /// One bad answer of a network is transport; the same bad bytes again are damage.
    static func readVerified<Value, Failure: Error>(
        _ storage: any Storage,
        _ name: String,
        limit: Int,
        _ verify: (ReadObject) throws(Failure) -> Value
    ) throws(RekkordError) -> Result<Value, Failure> {
        var object = try storage.read(name, limit: limit, isAgain: false)
        var count = 1
        while true {
            do throws(Failure) {
                return .success(try verify(object))
            } catch {
                guard storage.kind.isRemote, count < maxReadCount else { return .failure(error) }
                let again = try storage.read(name, limit: limit, isAgain: true)
                if again.bytes.hasSameBytes(as: object.bytes) { return .failure(error) }
                object = again
                count += 1
            }
        }
    }

    /// Opens the bytes of an object that should be the blob `id`.
    func open(_ object: ByteBuffer, _ id: ObjectID, limit: Int) throws(FormatError) -> Blob {
        guard case .some(let salts) = keys.salts else { throw FormatError("the key cannot read") }
        return try decoders.with { (decoder) throws(FormatError) in
            let result = try object.withBytes { (bytes) throws(FormatError) in
                try decode(bytes, with: decoder, limit: limit)
            }
            guard result.type.catalog == id.catalog,
                result.plaintext.withBytes({ salts.hash(result.type.rawValue, $0) }) == id.hash
            else {
                throw FormatError("hash mismatch", .hash)
            }
            return Blob(type: result.type, bytes: result.plaintext, objectByteCount: object.count)
        }
    }

    private func decode(
        _ object: UnsafeRawBufferPointer,
        with decoder: BlobDecoder,
        limit: Int
    ) throws(FormatError) -> BlobDecoder.Result {
        switch keys.dataPublic {
        case .none: throw FormatError("the key cannot read")
        case .some(let dataPublic):
            switch keys.dataSecret {
            case .none: throw FormatError("the key cannot read")
            case .some(let dataSecret):
                return try decoder.decode(
                    object,
                    dataPublic: dataPublic,
                    dataSecret: dataSecret,
                    limit: limit
                )
            }
        }
    }

    /// Names a plaintext without storing it.
    ///
    /// Needs a key with Write.
    public func identify(_ type: BlobType, _ plaintext: UnsafeRawBufferPointer) -> ObjectID {
        guard let salts = keys.salts else { fatalError("a \(keys.type.name) key cannot name blobs") }
        return ObjectID(type.catalog, salts.hash(type.rawValue, plaintext))
    }

    /// Names the empty file: a list of no chunks.
    ///
    /// Needs a key with Write.
    public func identifyEmptyFile() -> ObjectID {
        FileTable.encode([], size: 0).withRawBytes { identify(.file, $0) }
    }

    /// Compresses, pads and seals a plaintext: the bytes to store under the name of its id.
    ///
    /// Needs a key with Write.
    /// - Parameters:
    ///   - level: LZ4 level, 0…12; below zero faster and larger.
    ///   - isVerified: Whether to decode the result again before it is handed out (`TestWrites`).
    /// - Throws: `.corrupted` when that check fails, which is a fault of this machine.
    public func seal(
        _ type: BlobType,
        _ plaintext: UnsafeRawBufferPointer,
        level: Int,
        isVerified: Bool = false
    ) throws(RekkordError) -> ByteBuffer {
        do throws(FormatError) {
            return try encoders.with { (encoder) throws(FormatError) in
                try encode(type, plaintext, with: encoder, level: level, isVerified: isVerified)
            }
        } catch {
            let hint = "check the memory of this machine"
            throw RekkordError(.corrupted, "cannot seal a blob: \(error.reason)", hint: hint)
        }
    }

    private func encode(
        _ type: BlobType,
        _ plaintext: UnsafeRawBufferPointer,
        with encoder: BlobEncoder,
        level: Int,
        isVerified: Bool
    ) throws(FormatError) -> ByteBuffer {
        switch keys.dataPublic {
        case .none: throw FormatError("the key cannot write")
        case .some(let key):
            return try encoder.encode(type, plaintext, level: level, to: key, isVerified: isVerified)
        }
    }

    // MARK: Writing

    /// Finds out whether the store can refuse to overwrite, by writing `cw`.
    ///
    /// A first success may only mean that `cw` was missing, so it is tried once more.
    /// - Source: rekkord-format(5), "OBJECTS".
    public func probeConditionalWrites() throws(RekkordError) -> Bool {
        for _ in 0..<2 {
            let outcome = try put(ObjectNames.conditionalWrite, [])
            if outcome == .exists { return true }
        }
        return false
    }

    private func put(_ name: String, _ bytes: [UInt8]) throws(RekkordError) -> WriteOutcome {
        try bytes.withRawBytes { (bytes) throws(RekkordError) in try storage.put(name, bytes, .create) }
    }

    // MARK: Tags

    /// Makes a snapshot visible: badge, fragments, and the main tag last, so that it appears whole.
    ///
    /// The snapshot blob and all below it must be durable. Needs a key with Write.
    /// - Returns: The name of the main tag.
    @discardableResult
    public func writeTag(_ snapshot: ObjectID, _ payload: TagPayload) throws(RekkordError) -> String {
        let names: TagNames
        do {
            names = try TagNames(snapshot: snapshot, payload: payload, keys: keys)
        } catch {
            throw RekkordError(.system, "cannot write the tag of \(snapshot): \(error.reason)")
        }
        if let badge = keys.badge { _ = try put(ObjectNames.badge(of: badge.id), badge.bytes) }
        for name in names.fragments + [names.main] {
            guard try put(name, []) == .stored else {
                throw RekkordError(.storage, "cannot write '\(name)': it exists already")
            }
        }
        return names.main
    }
}
