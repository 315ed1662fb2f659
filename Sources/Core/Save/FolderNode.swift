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
        var entries: [SavedEntry] = []
        /// What is not known yet: entries, and until it ends the walk through the folder.
        var pendingCount = 1
        var reusable: Reusable?
        /// Whether the folder's record must stay as it is.
        var keepsRecord = false

        /// Whether nothing changed since the folder's object was stored.
        var isReusable: Bool {
            reusable?.entryCount == entries.count
                && entries.allSatisfy { !$0.isLeftOut && $0.rememberedHash == $0.hash }
        }
    }

    private let state: Locked<State>

    init(name: [UInt8], key: LocalCache.FolderKey, parent: FolderNode?, index: Int, reusable: Reusable?) {
        self.name = name
        self.key = key
        state = Locked(State(parent: parent, index: index, reusable: reusable))
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
    @discardableResult
    func append(_ entry: SavedEntry, isPending: Bool) -> Int {
        state.withLock { state in
            state.entries.append(entry)
            if isPending { state.pendingCount += 1 }
            return state.entries.count - 1
        }
    }

    /// Gives a pending entry its final form; true when nothing is pending any more.
    func settle(_ index: Int, _ change: (inout SavedEntry) -> Void) -> Bool {
        state.withLock { state in
            change(&state.entries[index])
            state.pendingCount -= 1
            return state.pendingCount == 0
        }
    }

    /// Changes an entry that is still pending.
    func update(_ index: Int, _ change: (inout SavedEntry) -> Void) {
        state.withLock { change(&$0.entries[index]) }
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
