public import Core

/// Makes small repositories in memory, with the master key of the worked examples, so that all ids are fixed.
public struct TestRepository {
    /// The objects, for looking at them and for damaging them.
    public let storage: MemoryStorage
    /// Opened with the master key 00 01 … 1F.
    public let repository: Repository

    /// Initialises an empty one.
    public init(_ storage: MemoryStorage = MemoryStorage()) throws {
        self.storage = storage
        let text = """
            -----BEGIN REKKORD KEY-----
            AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
            -----END REKKORD KEY-----
            """
        repository = try Repository.create(storage, keys: KeyFile.parse(text.utf8))
    }

    /// Stores a plaintext.
    @discardableResult
    public func store(_ type: BlobType, _ bytes: [UInt8]) throws -> ObjectID {
        try bytes.withRawBytes { (bytes) throws(RekkordError) in
            let id = repository.identify(type, bytes)
            let object = try repository.seal(type, bytes, level: 1)
            _ = try object.withBytes { (object) throws(RekkordError) in
                try storage.put(id.objectName, object, .create)
            }
            return id
        }
    }

    /// Stores a file of one chunk and returns an entry for it.
    public func file(_ name: String, _ content: String, mode: UInt32 = 0o644) throws -> Entry {
        let hash = try store(.chunk, Array(content.utf8)).hash
        return Self.entry(name, .file, hash: hash, mode: mode, size: Int64(content.utf8.count))
    }

    /// Stores a link and returns an entry for it.
    public func link(_ name: String, _ target: String) throws -> Entry {
        Self.entry(name, .link, hash: try store(.link, Array(target.utf8)).hash, mode: 0o777)
    }

    /// Stores a folder and returns an entry for it.
    public func folder(_ name: String, _ children: [Entry], mode: UInt32 = 0o755) throws -> Entry {
        let folders = children.filter { $0.attributes.isFolder }.count
        return Self.entry(name, .directory, hash: try store(children).hash, mode: mode, size: Int64(folders))
    }

    /// Stores a folder.
    public func store(_ children: [Entry]) throws -> ObjectID {
        try store(
            .directory,
            DirectoryBlob.encode(size: 0, entries: Int64(children.count), children: children)
        )
    }

    /// Stores a file of several chunks and returns an entry for it.
    public func table(_ name: String, _ chunks: [String]) throws -> Entry {
        var offset: Int64 = 0
        let rows = try chunks.map { chunk in
            defer { offset += Int64(chunk.utf8.count) }
            let hash = try store(.chunk, Array(chunk.utf8)).hash
            return FileTable.Chunk(offset: offset, byteCount: Int32(chunk.utf8.count), hash: hash)
        }
        let hash = try store(.file, FileTable.encode(rows, size: offset)).hash
        return Self.entry(name, .file, hash: hash, size: offset)
    }

    /// Stores a snapshot and its tag.
    ///
    /// - Parameter author: Writes the tag; nil for the master.
    @discardableResult
    public func snapshot(
        _ channel: String,
        milliseconds: Int64,
        _ roots: [Entry],
        size: Int64 = 6,
        author: Repository? = nil
    ) throws -> ObjectID {
        let time = Timestamp(milliseconds: milliseconds)
        let blob = SnapshotBlob(
            time: time,
            size: size,
            stored: 400,
            added: 200,
            channel: Array(channel.utf8),
            totalEntries: Int64(roots.count),
            roots: roots
        )
        let id = try store(.snapshot, blob.encode())
        let byteCount = Int64(storage[id.objectName]?.count ?? 0)
        let payload = TagPayload(
            time: time,
            size: size,
            stored: 400 + byteCount,
            added: 200 + byteCount,
            channel: Array(channel.utf8)
        )
        try (author ?? repository).writeTag(id, payload)
        return id
    }

    /// The same entry as a saved path.
    public static func rooted(_ entry: Entry, _ path: String) -> Entry {
        Entry(entry.attributes, name: Array(path.utf8), extended: entry.extended)
    }

    /// An entry of which nothing but the name is known.
    public static func neverStated(_ name: String) -> Entry {
        var entry = entry(name, .directory)
        entry.flags = []
        return entry
    }

    /// An entry with the times and owner of the worked examples, readable unless there is no hash.
    public static func entry(
        _ name: String,
        _ kind: EntryKind,
        hash: Hash32? = nil,
        mode: UInt32 = 0o644,
        size: Int64 = 0
    ) -> Entry {
        let attributes = EntryAttributes(
            hash: hash ?? .zero,
            flags: hash == nil ? .stated : [.stated, .readable],
            kind: kind,
            mtime: Timestamp(milliseconds: 1_757_468_000_123),
            ctime: Timestamp(milliseconds: 1_757_468_000_456),
            atime: Timestamp(milliseconds: 0),
            btime: Timestamp(milliseconds: 1_757_468_000_000),
            uid: 1000,
            gid: 1000,
            mode: mode,
            size: size
        )
        return Entry(attributes, name: Array(name.utf8))
    }
}
