/// What is restored.
public struct RestoreSubject: Sendable {
    enum Content: Sendable {
        /// What is shown in a folder.
        case folder(FolderView)
        /// A file or link; without its name when it was named by its own id.
        case leaf(Entry)
    }

    let content: Content
    /// The object; nil for a folder that was not saved itself and for what has no content.
    public let object: ObjectID?
    /// The permissions of a folder that was saved itself, unless it was named by its own id.
    let mode: UInt32?
    /// The bytes of all files, as the snapshot tells.
    let byteCount: Int64
    /// How many entries of the first level cannot be restored because of their names.
    let hiddenNameCount: Int

    /// Takes what an identifier names.
    ///
    /// - Parameters:
    ///   - name: The identifier, for messages.
    ///   - reader: Where it was found.
    /// - Throws: `.unsupported` for what cannot be restored.
    public init(
        _ target: SnapshotResolver.Target,
        name: String,
        _ reader: SnapshotReader
    ) throws(RekkordError) {
        switch target {
        case .repository:
            throw RekkordError(.usage, "cannot restore '\(name)': it stands for all snapshots")
        case .snapshot(let snapshot):
            content = .folder(snapshot.tree.top)
            object = snapshot.id
            mode = nil
            byteCount = snapshot.blob.size
            hiddenNameCount = snapshot.blob.hiddenNameCount
        case .folder(let folder):
            content = .folder(folder.view)
            object = folder.id
            mode = folder.item.flatMap { $0.isSynthetic ? nil : $0.entry.mode }
            byteCount = reader.totals(of: folder.view).size
            hiddenNameCount = folder.view.stored?.hiddenNameCount ?? 0
        case .leaf(let leaf):
            let entry =
                leaf.entry ?? leaf.id.map { Self.entry(of: $0, isLink: leaf.noun == BlobType.link.noun) }
            guard let entry, entry.flags.contains(.stated), entry.kind != .unknown else {
                throw RekkordError(.unsupported, "cannot restore '\(name)': it is a \(leaf.noun)")
            }
            content = .leaf(entry)
            object = leaf.id
            mode = nil
            byteCount = entry.kind == .file ? entry.size : 0
            hiddenNameCount = 0
        }
    }

    /// An entry for an object of which nothing but the content is known: for its owner only, and from now.
    private static func entry(of id: ObjectID, isLink: Bool) -> Entry {
        let now = Timestamp.now()
        let attributes = EntryAttributes(
            hash: id.hash,
            flags: [.stated, .readable],
            kind: isLink ? .link : .file,
            mtime: now,
            ctime: now,
            atime: now,
            btime: now,
            uid: 0,
            gid: 0,
            mode: 0o600,
            size: 0
        )
        return Entry(attributes, name: [])
    }
}
