import Synchronization

/// Counts what a save has done so far; anybody may look at any time.
public final class SaveProgress: Sendable {
    private let entries = Atomic(0)
    private let bytes = Atomic(0)
    private let unreadable = Atomic(0)
    private let excluded = Atomic(0)
    private let planned = Atomic(0)
    private let isPlanned = Atomic(false)

    /// Nothing done yet.
    public init() {}

    /// How many entries were met.
    public var entryCount: Int { entries.load(ordering: .relaxed) }
    /// How many bytes of files were read.
    public var byteCount: Int { bytes.load(ordering: .relaxed) }
    /// How many entries could not be read.
    public var unreadableCount: Int { unreadable.load(ordering: .relaxed) }
    /// How many entries were left out by rules; what is in a folder does not count.
    public var excludedCount: Int { excluded.load(ordering: .relaxed) }
    /// How many bytes there are to be read in all; nil until every entry was met.
    public var plannedByteCount: Int? {
        isPlanned.load(ordering: .acquiring) ? planned.load(ordering: .relaxed) : nil
    }

    func addEntry() { entries.wrappingAdd(1, ordering: .relaxed) }
    func add(byteCount: Int) { bytes.wrappingAdd(byteCount, ordering: .relaxed) }
    func addUnreadable() { unreadable.wrappingAdd(1, ordering: .relaxed) }
    func addExcluded() { excluded.wrappingAdd(1, ordering: .relaxed) }
    func addPlanned(byteCount: Int) { planned.wrappingAdd(byteCount, ordering: .relaxed) }
    func endPlan() { isPlanned.store(true, ordering: .releasing) }

    /// Starts again for the next save.
    func reset() {
        entries.store(0, ordering: .relaxed)
        bytes.store(0, ordering: .relaxed)
        unreadable.store(0, ordering: .relaxed)
        excluded.store(0, ordering: .relaxed)
        planned.store(0, ordering: .relaxed)
        isPlanned.store(false, ordering: .relaxed)
    }
}
