/// Shows the saved paths of one snapshot as nested folders.
///
/// A snapshot stores a list of roots such as `home/alice`, `srv` and `srv/www/logs`. This tree has one node for each
/// of them and for each of their parents:
///
/// ```
/// (top)
/// ├── home            no root: synthetic folder
/// │   └── alice       root: its entry
/// └── srv             root: its entry, with an overlay …
///     └── www         … no root itself: the entry in srv's folder if that is a folder, else synthetic
///         └── logs    root: replaces or adds an entry in www's folder
/// ```
///
/// So a node with children is an overlay: its children are laid over what the folder itself stores, by `FolderView`.
/// A root that is no folder but has roots below it is shown as a synthetic folder; no saver makes such a snapshot.
///
/// The nodes are kept flat, because the number of names in a root is only bounded by the size of the snapshot and
/// must not become recursion. Pure and immutable.
/// - Source: rekkord(1), "Identifiers" and "mount".
public final class RootTree: Sendable {
    struct Node: Sendable {
        /// The last name of the path; empty for the top.
        let name: [UInt8]
        /// The entry saved at this very path, with `name` as its name.
        var saved: Entry?
        /// Ascending by name bytes.
        var children: [Int32] = []
        /// How many of the children are shown as folders.
        var folderCount: Int32 = 0
        /// Which attributes the children were saved with.
        var childAttributes: SystemAttributes = []

        /// Whether it is shown as a folder whatever is stored around it.
        var isFolder: Bool { !children.isEmpty || saved?.attributes.isFolder ?? false }
    }

    /// The nodes of a tree that are laid over one stored folder.
    public struct Overlay: Sendable {
        let tree: RootTree
        let node: Int

        /// What is laid over.
        var children: [Int32] { tree.nodes[node].children }
        /// How many of that is shown as folders.
        var folderCount: Int { Int(tree.nodes[node].folderCount) }
        /// Which attributes occur in that.
        var systemAttributes: SystemAttributes { tree.nodes[node].childAttributes }

        /// What was saved at the paths that are laid over, at any depth.
        var saved: [Entry] {
            var entries: [Entry] = []
            var rest = children
            while let next = rest.popLast() {
                let node = tree.nodes[Int(next)]
                if let entry = node.saved { entries.append(entry) }
                rest += node.children
            }
            return entries
        }
    }

    let nodes: [Node]
    private let synthetic: EntryAttributes

    /// Builds the tree of the roots of a snapshot.
    ///
    /// - Parameters:
    ///   - roots: Their names are those of a `RootPath`, without repetition, as `SnapshotBlob` has them.
    ///   - time: The time shown for folders that were not saved themselves.
    ///   - uid: Their owner.
    ///   - gid: Their group.
    public init(roots: [Entry], time: Timestamp, uid: UInt32, gid: UInt32) {
        synthetic = .syntheticFolder(time: time, uid: uid, gid: gid)
        let paths = roots.map { root in
            (root: root, names: root.name.split(separator: UInt8(ascii: "/")).map(Array.init))
        }
        // In this order a path follows its parent at once, and children are met ascending.
        let sorted = paths.sorted { a, b in
            a.names.lexicographicallyPrecedes(b.names) { $0.lexicographicallyPrecedes($1) }
        }
        var nodes = [Node(name: [])]
        /// The nodes of the path before, from the top.
        var branch = [0]
        for (root, names) in sorted {
            var depth = 0
            while depth < names.count, depth + 1 < branch.count, nodes[branch[depth + 1]].name == names[depth]
            {
                depth += 1
            }
            branch.removeSubrange((depth + 1)...)
            for name in names[depth...] {
                nodes[branch[branch.count - 1]].children.append(Int32(nodes.count))
                branch.append(nodes.count)
                nodes.append(Node(name: name))
            }
            guard let last = names.last else { continue }
            nodes[branch[branch.count - 1]].saved = Entry(
                root.attributes,
                name: last,
                extended: root.extended
            )
        }
        for index in nodes.indices {
            var count: Int32 = 0
            for child in nodes[index].children.lazy.map({ nodes[Int($0)] }) {
                if child.isFolder { count += 1 }
                child.saved?.extended.withRawBytes {
                    nodes[index].childAttributes.formUnion(SystemAttributes(encoded: $0))
                }
            }
            nodes[index].folderCount = count
        }
        self.nodes = nodes
    }

    /// Builds the tree of a snapshot; folders that were not saved themselves bear its time.
    public convenience init(_ snapshot: SnapshotBlob, uid: UInt32, gid: UInt32) {
        self.init(roots: snapshot.roots, time: snapshot.time, uid: uid, gid: gid)
    }

    /// The attributes of the top.
    public var topAttributes: EntryAttributes { syntheticAttributes(of: 0) }

    /// The attributes of a node that was not saved itself.
    private func syntheticAttributes(of node: Int) -> EntryAttributes {
        var attributes = synthetic
        attributes.size = Int64(nodes[node].folderCount)
        return attributes
    }

    /// The memory that the tree occupies.
    public var memoryByteCount: Int {
        nodes.reduce(256) { sum, node in
            let extended = node.saved?.extended.count ?? 0
            return sum + MemoryLayout<Node>.stride + 2 * node.name.count + extended + 4
                * node.children.capacity + 128
        }
    }

    /// What the snapshot shows at its top.
    public var top: FolderView { FolderView(stored: nil, overlay: Overlay(tree: self, node: 0)) }

    /// What is shown at the path of a root of the snapshot; nil when it is none.
    public func item(atRoot path: [UInt8]) -> FolderView.Item? {
        var node = 0
        for name in path.split(separator: UInt8(ascii: "/")) {
            guard let child = Array(name).withRawBytes({ child(of: node, named: $0) }) else { return nil }
            node = child
        }
        return nodes[node].saved == nil ? nil : item(at: node, over: nil)
    }

    /// The child of `node` with this name.
    func child(of node: Int, named name: UnsafeRawBufferPointer) -> Int? {
        let children = nodes[node].children
        var low = 0
        var high = children.count
        while low < high {
            let middle = (low + high) / 2
            let child = Int(children[middle])
            let order = nodes[child].name.withRawBytes { NameSearch.compare($0, name) }
            if order == 0 { return child }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// What is shown at `node`, given the entry that the folder around it stores under the same name.
    func item(at index: Int, over stored: Entry?) -> FolderView.Item {
        let node = nodes[index]
        let overlay = node.children.isEmpty ? nil : Overlay(tree: self, node: index)
        let candidate = node.saved ?? stored
        if let entry = candidate, overlay == nil || entry.attributes.isFolder {
            return FolderView.Item(entry: entry, overlay: overlay, isSynthetic: false)
        }
        let entry = Entry(syntheticAttributes(of: index), name: node.name)
        return FolderView.Item(entry: entry, overlay: overlay, isSynthetic: true)
    }
}

extension EntryAttributes {
    /// A folder that a view makes up: mode 0755, nothing stored.
    public static func syntheticFolder(time: Timestamp, uid: UInt32, gid: UInt32) -> EntryAttributes {
        EntryAttributes(
            hash: .zero,
            flags: .stated,
            kind: .directory,
            mtime: time,
            ctime: time,
            atime: time,
            btime: time,
            uid: uid,
            gid: gid,
            mode: 0o755,
            size: 0
        )
    }
}
