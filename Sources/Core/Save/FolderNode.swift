/// A folder that is being saved: it waits for what is below it, and is encoded when all of that is known.
///
/// The walker appends entries while workers settle earlier ones.
final class FolderNode: Sendable {
    /// The name in the folder above; of a snapshot's root its path without the leading `/`, of the level above
    /// the roots nothing.
    let name: [UInt8]
    /// Where the cache keeps its record.
    let key: LocalCache.FolderKey

    /// The stored object of the folder, to be used again if nothing changed.
    struct Reusable {
        let hash: Hash32
        let stored: Int64
        let entryCount: Int
    }

    struct State {
        var parent: FolderNode?
        /// The index of its entry there.
        var index = 0
        var entries = SavedEntries()
        /// What is not known yet: entries, and until it ends the walk through the folder.
        var pendingCount = 1
        var reusable: Reusable?
        /// Whether the folder's record must stay as it is.
        var keepsRecord = false

        /// Whether nothing changed since the folder's object was stored.
        var isReusable: Bool { reusable?.entryCount == entries.count && entries.changedCount == 0 }
    }

    private let state: Locked<State>

    init(
        name: [UInt8],
        key: LocalCache.FolderKey,
        parent: FolderNode?,
        index: Int,
        entries: SavedEntries,
        reusable: Reusable?
    ) {
        self.name = name
        self.key = key
        state = Locked(State(parent: parent, index: index, entries: entries, reusable: reusable))
    }

    deinit {
        // One after the other: a chain of folders that dies at once would recurse through all of them.
        var next = takeParent()
        while next != nil, isKnownUniquelyReferenced(&next) {
            let parent = next?.takeParent()
            next = parent
        }
    }

    private func takeParent() -> FolderNode? {
        state.withLock { state in
            defer { state.parent = nil }
            return state.parent
        }
    }

    /// Adds an entry and returns its index; one that is pending must be settled later.
    ///
    /// - Parameter operandKey: Where the cache keeps the entry if the user named it.
    @discardableResult
    func append(
        _ entry: SavedEntry,
        name: [UInt8],
        extended: [UInt8] = [],
        isPending: Bool,
        operandKey: LocalCache.FolderKey? = nil
    ) -> Int {
        state.withLock { state in
            let index = state.entries.append(entry, name: name, extended: extended, operandKey: operandKey)
            if isPending {
                state.pendingCount += 1
            } else {
                state.entries.settle(index)
            }
            return index
        }
    }

    /// Gives a pending entry its final form; true when nothing is pending any more.
    ///
    /// - Parameter below: The sums over what is in the folder that it stands for.
    func settle(_ index: Int, below: SaveTotals = SaveTotals(), _ change: (inout SavedEntry) -> Void) -> Bool
    {
        state.withLock { state in
            state.entries.update(index, change)
            state.entries.settle(index, below: below)
            state.pendingCount -= 1
            return state.pendingCount == 0
        }
    }

    /// Changes an entry that is still pending.
    ///
    /// - Parameter extended: Its extended attributes, if something else took its place.
    func update(_ index: Int, attributes extended: [UInt8]? = nil, _ change: (inout SavedEntry) -> Void) {
        state.withLock { state in
            state.entries.update(index, change)
            if let extended { state.entries.replaceAttributes(index, extended) }
        }
    }

    /// Notes that all entries were appended; true when nothing is pending any more.
    func endWalk() -> Bool {
        state.withLock { state in
            state.pendingCount -= 1
            return state.pendingCount == 0
        }
    }

    /// Whether finishing the folder takes no work to speak of.
    var isReusable: Bool { state.withLock { $0.isReusable } }

    /// Makes sure that the folder is not remembered as it is now.
    func keepRecord() {
        state.withLock { $0.keepsRecord = true }
    }

    /// Takes everything out of a folder in which nothing is pending.
    func take() -> State {
        state.withLock { state in
            defer { state = State() }
            return state
        }
    }

    /// The absolute path of an entry, for messages.
    func path(of entry: [UInt8]) -> String {
        // A file that is an operand itself is named by its absolute path.
        var names = [entry.first == UInt8(ascii: "/") ? Array(entry.dropFirst()) : entry]
        var node: FolderNode? = self
        while let current = node {
            if !current.name.isEmpty { names.append(current.name) }
            node = current.state.withLock { $0.parent }
        }
        let separator = [UInt8(ascii: "/")]
        return PrintedName.escape(separator + names.reversed().joined(separator: separator))
    }
}
