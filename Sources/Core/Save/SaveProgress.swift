import Synchronization

/// Counts what a save has done so far; anybody may look at any time.
public final class SaveProgress: Sendable {
    private let entries = Atomic(0)
    private let bytes = Atomic(0)
    private let unreadable = Atomic(0)

    /// How many entries were met.
    public var entryCount: Int { entries.load(ordering: .relaxed) }
    /// How many bytes of files were read.
    public var byteCount: Int { bytes.load(ordering: .relaxed) }
    /// How many entries could not be read.
    public var unreadableCount: Int { unreadable.load(ordering: .relaxed) }

    func addEntry() { entries.wrappingAdd(1, ordering: .relaxed) }
    func add(byteCount: Int) { bytes.wrappingAdd(byteCount, ordering: .relaxed) }
    func addUnreadable() { unreadable.wrappingAdd(1, ordering: .relaxed) }

    /// Starts again for the next save.
    func reset() {
        entries.store(0, ordering: .relaxed)
        bytes.store(0, ordering: .relaxed)
        unreadable.store(0, ordering: .relaxed)
    }
}
