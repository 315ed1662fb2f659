/// What an entry looks like: its attributes, as far as the folder around it or its own blob tells them.
extension MountedView {
    /// How an entry came to be asked for.
    enum Reason {
        /// In a listing, which must not read the content of its entries.
        case listed
        /// By itself: its own blob may be read.
        case named
    }

    /// What is shown of an entry; nil for one that is hidden.
    func show(_ spot: Spot, _ reason: Reason, _ loaded: LoadedBlobs) throws(Obstacle) -> ShownNode? {
        let attributes = spot.folder.attributes(at: spot.index)
        if Self.isHidden(attributes) { return nil }
        let kind = Self.kind(of: attributes)
        let inode =
            kind == .folder
            ? spot.place.map { place in
                spot.folder.withName(at: spot.index) { place.inodes.appending($0).inode }
            }
            : spot.content?.inode(at: spot.index)
        guard let inode else { throw .fails(.stale) }
        var shown = ShownNode(
            node: NodeNumber(
                slot: (kind == .folder ? spot.place?.slot : spot.content?.slot) ?? 0,
                position: spot.index
            ),
            attributes: shownAttributes(attributes, inode: inode),
            nameSeconds: settings.immutableSeconds,
            attributeSeconds: settings.immutableSeconds
        )
        if spot.folder.hasExtended(at: spot.index) {
            shown.attributes.permissions = permissions(
                attributes,
                spot.folder.item(at: spot.index).entry.extended
            )
        }
        if kind == .folder {
            if spot.folder.isMerged, let overlay = spot.folder.item(at: spot.index).overlay {
                try countLinks(of: &shown, attributes.objectID, overlay, reason, loaded)
            }
            return shown
        }
        let size: Size
        do {
            size = try self.size(attributes, reason, loaded)
        } catch {
            if kind == .link, let content = spot.content { readLinks(content, spot, waited: true) }
            throw error
        }
        if kind == .link, reason == .named, let content = spot.content {
            readLinks(content, spot, waited: false)
        }
        switch size {
        case .certain(let size):
            shown.attributes.size = size
        case .unknown where reason == .listed:
            // Whoever wants to know asks by name.
            shown.node = .none
        case .unknown:
            // Reading it fails, or finds out.
            shown.attributes.size = max(1, shown.attributes.size)
            shown.attributeSeconds = min(shown.attributeSeconds, Self.doubtfulSeconds)
        }
        return shown
    }

    /// Counts the subfolders of a folder with saved paths laid over it, of which its entry tells nothing.
    private func countLinks(
        of shown: inout ShownNode,
        _ base: ObjectID?,
        _ overlay: RootTree.Overlay,
        _ reason: Reason,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) {
        guard let base else {
            shown.attributes.links = UInt32(clamping: 2 + overlay.folderCount)
            return
        }
        if reason == .listed {
            // Whoever wants to know asks by name.
            shown.node = .none
            return
        }
        do {
            guard case .folder(let stored) = try blob(base, loaded) else { return }
            let count = FolderView(stored: stored, overlay: overlay).folderCount
            shown.attributes.links = UInt32(clamping: 2 + count)
        } catch {
            // A damaged folder still shows.
            if case .needs = error { throw error }
        }
    }

    private enum Size {
        case certain(UInt64)
        case unknown
    }

    private func size(
        _ attributes: EntryAttributes,
        _ reason: Reason,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> Size {
        let stored = UInt64(max(0, attributes.size))
        // Without content there is still something to fail on.
        guard let id = attributes.objectID, attributes.flags.contains(.stated) else {
            return .certain(max(1, stored))
        }
        if attributes.kind == .file {
            if let known = sizes.size(of: id) { return .certain(known) }
            if stored > 0 || id == emptyFile { return .certain(stored) }
        }
        if reason == .listed { return .unknown }
        do {
            return .certain(try contentSize(id, attributes, loaded))
        } catch {
            if case .needs = error { throw error }
            return .unknown
        }
    }

    private func contentSize(
        _ id: ObjectID,
        _ attributes: EntryAttributes,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> UInt64 {
        if attributes.kind == .link { return UInt64(try target(attributes, loaded).count) }
        let size: UInt64
        switch try blob(id, loaded) {
        case .chunk(let bytes): size = UInt64(bytes.count)
        case .table(let table): size = UInt64(table.size)
        case .link, .folder, .snapshot: throw .fails(.damaged(Self.wrongType(id, "file")))
        }
        sizes.learn(id, size)
        return size
    }

    func shownAttributes(_ attributes: EntryAttributes, inode: UInt64) -> NodeAttributes {
        let kind = Self.kind(of: attributes)
        let isStated = attributes.flags.contains(.stated)
        return NodeAttributes(
            inode: inode,
            kind: kind,
            permissions: isStated ? attributes.mode : 0,
            uid: settings.owner?.uid ?? attributes.uid,
            gid: settings.owner?.gid ?? attributes.gid,
            size: kind == .folder ? 0 : UInt64(max(0, attributes.size)),
            links: kind == .folder ? UInt32(clamping: max(0, attributes.size)) &+ 2 : 1,
            access: attributes.flags.contains(.accessTime) ? attributes.atime : attributes.mtime,
            modification: attributes.mtime,
            change: attributes.ctime
        )
    }

    /// The mode with group bits that mean what they say.
    ///
    /// With an access list they are the mask of all groups, which is more than the owning group may do.
    private func permissions(_ attributes: EntryAttributes, _ extended: [UInt8]) -> UInt32 {
        guard attributes.flags.contains(.stated) else { return 0 }
        guard let all = try? ExtendedAttributes.parse(extended),
            let stored = all.first(where: { $0.key == AccessControlList.accessKey }),
            let list = try? AccessControlList(text: stored.value),
            let group = list.records.first(where: { $0.tag == .owningGroup }),
            let mask = list.records.first(where: { $0.tag == .mask })
        else { return attributes.mode }
        return attributes.mode & ~0o070 | UInt32(group.permissions & mask.permissions) << 3
    }

    /// What an entry is shown as; one that was never stat'ed as a file, whatever its kind says.
    static func kind(of attributes: EntryAttributes) -> NodeAttributes.Kind {
        guard attributes.flags.contains(.stated) else { return .file }
        switch attributes.kind {
        case .directory: return .folder
        case .link: return .link
        case .file, .unknown: return .file
        }
    }

    /// Whether it is a device, pipe or socket.
    static func isHidden(_ attributes: EntryAttributes) -> Bool {
        attributes.kind == .unknown && attributes.flags.contains(.stated)
    }
}
