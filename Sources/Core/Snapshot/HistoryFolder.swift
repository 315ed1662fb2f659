/// One path below `history`: a folder of the versions of what was saved there.
///
/// Its slot numbers both its versions and the deeper paths that were looked up:
///
/// ```
/// position  0 … : the path in the snapshot at that position
///           … maximum: deeper paths, counted down, in the order of their first lookup
/// ```
///
/// So the number of a version means the same for ever, whatever new snapshots bring, and needs no table. The names of
/// deeper paths are kept as long as the kernel has any number in the slot.
final class HistoryFolder: Sendable {
    /// The path around it; nil for `history` itself.
    let parent: HistoryFolder?
    /// Its last name.
    let name: [UInt8]

    private struct State {
        var names: [[UInt8]] = []
        var positions: [[UInt8]: Int] = [:]
        /// Deeper paths that the tree keeps; each keeps this one, so the tree has to release them.
        var children: [[UInt8]: HistoryFolder] = [:]
        var table: HistoryTable?
    }

    private static let maxNameCount = 1 << 22
    private let state = Locked(State())

    init(_ name: [UInt8], in parent: HistoryFolder?) {
        self.parent = parent
        self.name = name
    }

    /// The names from the root of the snapshots down to it.
    var path: [[UInt8]] {
        var names: [[UInt8]] = []
        var folder = self
        while let parent = folder.parent {
            names.append(folder.name)
            folder = parent
        }
        return names.reversed()
    }

    /// From `history` down to it.
    var chain: [HistoryFolder] {
        var chain = [self]
        while let parent = chain[chain.count - 1].parent { chain.append(parent) }
        return chain.reversed()
    }

    // MARK: Deeper paths

    /// The deeper path `name`, whether or not anything was saved there: the one that is kept, or else a new one.
    func child(_ name: [UInt8]) -> HistoryFolder {
        state.withLock { $0.children[name] } ?? HistoryFolder(name, in: self)
    }

    /// Keeps a deeper path until it is released, unless another one with its name is kept.
    func keep(_ child: HistoryFolder) {
        state.withLock { state in
            if state.children[child.name] == nil { state.children[child.name] = child }
        }
    }

    /// Gives up a deeper path that is not used any more.
    func release(_ child: HistoryFolder) {
        state.withLock { state in
            if state.children[child.name] === child { state.children[child.name] = nil }
        }
    }

    /// The position of the deeper path `name`, which exists; nil when there is no room for more.
    func position(ofChild name: [UInt8]) -> Int? {
        state.withLock { state in
            if let position = state.positions[name] { return position }
            guard state.names.count < Self.maxNameCount else { return nil }
            let position = NodeNumber.maxPosition - state.names.count
            state.names.append(name)
            state.positions[name] = position
            return position
        }
    }

    /// The name of the deeper path at `position`; nil for the position of a version.
    func childName(at position: Int) -> [UInt8]? {
        state.withLock { state in
            let index = NodeNumber.maxPosition - position
            return state.names.indices.contains(index) ? state.names[index] : nil
        }
    }

    // MARK: Versions

    /// All versions, as they were found last; nil when they were not, or were forgotten.
    var table: HistoryTable? {
        get { state.withLock { $0.table } }
        set { state.withLock { $0.table = newValue } }
    }
}
