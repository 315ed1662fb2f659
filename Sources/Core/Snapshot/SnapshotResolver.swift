internal import Glibc

/// Finds what an identifier names.
///
/// Lists the tags once, and only for a channel; what it reads comes through its reader.
/// - Source: rekkord(1), "Identifiers".
public struct SnapshotResolver {
    /// A snapshot together with the tree that its saved paths make.
    public struct Snapshot: Sendable {
        /// Its blob.
        public let id: ObjectID
        /// The decoded blob.
        public let blob: SnapshotBlob
        /// Its saved paths as nested folders; unsaved parents belong to this process.
        public let tree: RootTree
        /// How many bytes the snapshot's own object takes in storage.
        public let objectByteCount: Int

        /// The encrypted bytes of all blobs, the snapshot's own included, as its tag tells.
        public var stored: Int64 { blob.stored.addingClamped(Int64(objectByteCount)) }
        /// The encrypted bytes that the save uploaded, the snapshot's own blob included, as its tag tells.
        public var added: Int64 { blob.added.addingClamped(Int64(objectByteCount)) }
    }

    /// A folder that was opened.
    public struct Folder: Sendable {
        /// What it holds.
        public let view: FolderView
        /// Its blob; nil for a folder that was not saved itself.
        public let id: ObjectID?
        /// How the folder around it shows it; nil when it was named by its own id.
        public let item: FolderView.Item?
    }

    /// Anything that is no folder.
    public struct Leaf: Sendable {
        /// What a user calls it: `file`, `link`, `special file`.
        public let noun: String
        /// How the folder around it shows it; nil when it was named by its own id.
        public let entry: Entry?
        /// Its blob; nil when nothing was stored.
        public let id: ObjectID?
    }

    /// What was found.
    public enum Target: Sendable {
        /// All snapshots.
        case repository
        /// A whole snapshot.
        case snapshot(Snapshot)
        /// A folder.
        case folder(Folder)
        /// Anything else.
        case leaf(Leaf)
    }

    /// Opens what is found.
    public let reader: SnapshotReader
    private let listTags: () throws(RekkordError) -> TagListing
    private let warn: (String) -> Void

    /// Makes a resolver.
    ///
    /// - Parameters:
    ///   - listTags: Called at most once for each channel that is resolved.
    ///   - warn: Called with each warning of a listing.
    public init(
        _ reader: SnapshotReader,
        listTags: @escaping () throws(RekkordError) -> TagListing,
        warn: @escaping (String) -> Void
    ) {
        self.reader = reader
        self.listTags = listTags
        self.warn = warn
    }

    /// Makes a resolver that reads and lists a repository.
    public init(_ repository: Repository, warn: @escaping (String) -> Void) {
        self.init(CachedBlobs(repository, cache: nil), warn: warn)
    }

    /// Makes a resolver that reads through a cache; tags are always listed.
    public init(_ blobs: CachedBlobs, warn: @escaping (String) -> Void) {
        self.init(blobs, listing: blobs.repository, warn: warn)
    }

    /// Makes a resolver that reads from a source of its own.
    public init(
        _ source: any BlobSource,
        listing repository: Repository,
        warn: @escaping (String) -> Void
    ) {
        self.init(
            SnapshotReader(source),
            listTags: { () throws(RekkordError) in try repository.listTags() },
            warn: warn
        )
    }

    /// Finds what `identifier` names.
    ///
    /// - Throws: `.notFound` when there is no such channel, object or path; `.usage` for `.` and `..`; else what reading gives.
    public func resolve(_ identifier: Identifier) throws(RekkordError) -> Target {
        switch identifier.target {
        case .repository:
            return .repository
        case .object(let id, let path):
            do {
                return try object(id, path, identifier)
            } catch  where error.kind == .missing && path.isEmpty {
                throw Identifier.notFound(identifier.text)
            }
        case .channel(let readings):
            let listing = try listTags()
            for warning in listing.warnings { warn(warning) }
            // A repository may have many tags, and the readings are few.
            for reading in readings {
                guard let tag = listing.newest(of: reading.channel) else { continue }
                let path = try Identifier.names(ofPath: reading.path, in: identifier.text)
                return try object(tag.snapshot, path, identifier)
            }
            throw Identifier.notFound(identifier.text)
        }
    }

    private func object(
        _ id: ObjectID,
        _ path: [EntryName],
        _ identifier: Identifier
    ) throws(RekkordError) -> Target {
        do throws(RekkordError) {
            let blob = try reader.source.blob(id)
            if blob.type.isSnapshot {
                return try inSnapshot(id, blob, path, identifier)
            }
            if blob.type.isDirectory {
                let stored = try SnapshotReader.decode(id, blob) { (blob) throws(FormatError) in
                    try DirectoryBlob(blob)
                }
                let view = FolderView(stored: stored, overlay: nil)
                if path.isEmpty { return .folder(Folder(view: view, id: id, item: nil)) }
                return try find(path, in: view, identifier)
            }
            guard path.isEmpty else { throw Identifier.notFound(identifier.text) }
            return .leaf(Leaf(noun: blob.type.noun, entry: nil, id: id))
        } catch {
            throw error.kind == .notFound ? error : error.reading(identifier.text)
        }
    }

    private func inSnapshot(
        _ id: ObjectID,
        _ blob: Blob,
        _ path: [EntryName],
        _ identifier: Identifier
    ) throws(RekkordError) -> Target {
        let snapshot = try SnapshotReader.decode(id, blob) { (blob) throws(FormatError) in
            try SnapshotBlob(blob)
        }
        let tree = RootTree(snapshot, uid: geteuid(), gid: getegid())
        guard !path.isEmpty else {
            let byteCount = blob.objectByteCount
            return .snapshot(Snapshot(id: id, blob: snapshot, tree: tree, objectByteCount: byteCount))
        }
        return try find(path, in: tree.top, identifier)
    }

    private func find(
        _ path: [EntryName],
        in view: FolderView,
        _ identifier: Identifier
    ) throws(RekkordError) -> Target {
        guard let item = try reader.find(path, in: view) else { throw Identifier.notFound(identifier.text) }
        guard item.isFolder else {
            let entry = item.entry
            return .leaf(Leaf(noun: entry.attributes.noun, entry: entry, id: entry.objectID))
        }
        return .folder(Folder(view: try reader.open(item), id: item.entry.objectID, item: item))
    }
}
