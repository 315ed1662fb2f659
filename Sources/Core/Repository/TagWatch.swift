/// Lists the tags of one repository again and again, and opens each of them once.
final class TagWatch: Sendable {
    private struct State: Sendable {
        var known: [String: TagParser.Parsed] = [:]
        var memory: TagMemory?
        /// Whether the memory has been read.
        var isLoaded = false
        /// How many known tags the memory lacks.
        var unsavedCount = 0
    }

    /// How many tags are opened faster than the memory is written.
    private static let minUnsavedCount = 64

    private let state = Locked(State())

    /// Uses a memory on disk from now on, which other processes may share.
    func use(_ memory: TagMemory) {
        state.withLock { $0.memory = memory }
    }

    /// Decodes the tags among `names`, those that are known by name alone.
    func parse(_ names: [String], _ keys: KeySet) -> TagParser {
        let before = state.withLock { $0 }
        let loaded = before.isLoaded ? nil : before.memory?.load()
        let known = loaded ?? before.known
        let parser = TagParser(names: names, keys: keys, known: known)
        var next = before
        next.isLoaded = before.isLoaded || before.memory != nil
        next.unsavedCount += parser.tags.reduce(0) { $0 + (known[$1.objectName] == nil ? 1 : 0) }
        next.known = Dictionary(parser.tags.map { ($0.objectName, $0) }) { first, _ in first }
        if let memory = before.memory, next.unsavedCount >= Self.minUnsavedCount {
            // A cache that cannot be written costs time and nothing else.
            try? memory.store(parser.tags)
            next.unsavedCount = 0
        }
        state.withLock { $0 = next }
        return parser
    }
}
