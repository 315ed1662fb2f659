/// Hands out verified blobs: the repository itself, or a cache in front of it.
public protocol BlobSource: Sendable {
    /// The blob with this id, its plaintext checked against it.
    ///
    /// - Parameter limit: The largest plaintext that is accepted, in bytes.
    /// - Throws: What `Repository.get` throws; the message names the blob, not its path.
    func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob

    /// How many blobs it wants to be told of before they are asked for; 0 for none.
    var window: Int { get }

    /// Is told that this blob will be asked for soon.
    func expect(_ id: ObjectID)
}

extension BlobSource {
    /// The blob with this id, of any size that is read at all.
    public func blob(_ id: ObjectID) throws(RekkordError) -> Blob {
        try blob(id, limit: Repository.maxPlaintextByteCount)
    }

    /// None.
    public var window: Int { 0 }

    /// Does nothing.
    public func expect(_ id: ObjectID) {}
}

extension Repository: BlobSource {
    /// Reads the blob; see `get`.
    public func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob { try get(id, limit: limit) }
}

extension CachedBlobs: BlobSource {
    /// Reads the blob; see `get`.
    public func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob { try get(id, limit: limit) }
}

/// Opens snapshots and folders, and finds entries by path.
///
/// Blocks while storage answers; safe on any number of threads.
public struct SnapshotReader: Sendable {
    /// Where the blobs come from.
    public let source: any BlobSource

    /// Reads through `source`.
    public init(_ source: any BlobSource) {
        self.source = source
    }

    /// Reads the blob of a snapshot.
    public func snapshot(_ id: ObjectID) throws(RekkordError) -> SnapshotBlob {
        try Self.decode(id, try source.blob(id)) { (blob) throws(FormatError) in try SnapshotBlob(blob) }
    }

    /// Reads the blob of a folder.
    public func folder(_ id: ObjectID) throws(RekkordError) -> DirectoryBlob {
        try Self.decode(id, try source.blob(id)) { (blob) throws(FormatError) in try DirectoryBlob(blob) }
    }

    /// Opens the folder that `item` stands for.
    ///
    /// - Throws: `.missing` when its content was not stored and nothing is laid over it, or what reading gives. The
    ///   message is a reason, to be put behind the path.
    public func open(_ item: FolderView.Item) throws(RekkordError) -> FolderView {
        guard let id = item.entry.objectID else {
            if item.overlay != nil { return FolderView(stored: nil, overlay: item.overlay) }
            throw RekkordError(.missing, "it could not be read when it was saved")
        }
        return FolderView(stored: try folder(id), overlay: item.overlay)
    }

    /// How many folders are read for totals; more would be waited for.
    private static let maxReadCount = 16

    /// The bytes and entries below an opened folder, as those who stored its parts counted them.
    ///
    /// Reads the saved paths that are laid over it, unless they are many: then these count nothing, as does what cannot
    /// be read.
    public func totals(of view: FolderView) -> (size: Int64, entries: Int64) {
        var sums = (size: view.stored?.totalSize ?? 0, entries: view.stored?.totalEntries ?? 0)
        func add(_ size: Int64, _ entries: Int64) {
            sums.size = sums.size.addingClamped(size)
            sums.entries = sums.entries.addingClamped(entries)
        }
        let saved = view.overlay?.saved ?? []
        guard saved.count(where: \.attributes.isFolder) <= Self.maxReadCount else { return sums }
        for entry in saved {
            guard entry.attributes.isFolder else {
                add(entry.kind == .file ? max(0, entry.size) : 0, 1)
                continue
            }
            let stored = entry.objectID.flatMap { try? self.folder($0) }
            add(stored?.totalSize ?? 0, 1)
            add(0, stored?.totalEntries ?? 0)
        }
        return sums
    }

    /// Walks from `folder` along `path`; nil when there is no such entry.
    ///
    /// - Throws: When a folder on the way cannot be read; the message is a reason, as with `open`.
    public func find(_ path: some Collection<EntryName>, in folder: FolderView) throws(RekkordError)
        -> FolderView.Item?
    {
        var folder = folder
        var found: FolderView.Item?
        for name in path {
            if let parent = found {
                guard parent.isFolder else { return nil }
                folder = try open(parent)
            }
            found = folder.item(named: name.bytes)
            if found == nil { return nil }
        }
        return found
    }

    /// Decodes the blob `id`, and names it when it is malformed.
    static func decode<Value>(
        _ id: ObjectID,
        _ blob: Blob,
        _ decoder: (Blob) throws(FormatError) -> Value
    ) throws(RekkordError) -> Value {
        do {
            return try decoder(blob)
        } catch {
            throw RekkordError(.corrupted, "\(id): \(error.reason)")
        }
    }
}

extension RekkordError {
    /// Puts `cannot read 'path': ` before the message.
    public func reading(_ path: [UInt8]) -> RekkordError {
        RekkordError(
            kind,
            "cannot read '\(PrintedName.escape(path))': \(message)",
            hint: hint,
            details: details
        )
    }
}
