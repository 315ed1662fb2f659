extension FolderView.Item {
    /// Tells states of a saved path apart: equal digests, equal versions.
    ///
    /// A version is another one when content, type, mode, owner, modification time or extended attributes are. Access,
    /// change and birth times and the name are no reason: reading, linking or renaming something does not make a version
    /// of it. Saved paths that are laid over a folder are part of what it holds.
    var versionDigest: Hash32 {
        var writer = ByteWriter(capacity: 128)
        // What was not saved itself has attributes that tell nothing.
        if isSynthetic { writer.integer(UInt8(0)) } else { writer.version(of: entry) }
        if let overlay { overlay.write(to: &writer) }
        return Self.digest(writer)
    }

    fileprivate static func digest(_ writer: ByteWriter) -> Hash32 {
        Hash32(Sodium.sha256(writer.bytes)) ?? .zero
    }
}

extension RootTree {
    /// Tells sets of saved paths apart: equal digests, equal trees but for the time of the snapshot.
    var versionDigest: Hash32 {
        var writer = ByteWriter(capacity: 256)
        Overlay(tree: self, node: 0).write(to: &writer)
        return FolderView.Item.digest(writer)
    }
}

extension RootTree.Overlay {
    /// All below the node, each with the number of its children, so that the tree follows from the row.
    fileprivate func write(to writer: inout ByteWriter) {
        var last = node
        while let child = tree.nodes[last].children.last { last = Int(child) }
        for index in node...last {
            let item = tree.nodes[index]
            writer.integer(UInt32(item.children.count))
            // Of the node itself the caller knows more.
            guard index > node else { continue }
            writer.integer(UInt16(item.name.count))
            writer.append(item.name)
            if let saved = item.saved { writer.version(of: saved) } else { writer.integer(UInt8(0)) }
        }
    }
}

extension ByteWriter {
    fileprivate mutating func version(of entry: Entry) {
        let attributes = entry.attributes
        integer(UInt8(1))
        integer(attributes.flags.intersection([.stated, .readable]).rawValue)
        integer(attributes.kind.rawValue)
        hash(attributes.flags.contains(.readable) ? attributes.hash : .zero)
        integer(attributes.mtime.milliseconds)
        integer(attributes.mode)
        integer(attributes.uid)
        integer(attributes.gid)
        integer(UInt32(entry.extended.count))
        append(entry.extended)
    }
}
