import Synchronization

/// A file of several chunks on its way to the disk, or back; several threads take its chunks.
final class ChunkedFile: Sendable {
    /// What is done with each chunk.
    enum Work: Sendable {
        /// Fetched and written.
        case write(TargetFile)
        /// Fetched, for the checks of that.
        case fetch
        /// Compared with what is on the disk.
        case compare(Descriptor)
    }

    let table: FileTable
    let place: TargetPlace
    let work: Work
    /// Given back when the file is done; see `RestoreRun.fetch`.
    let largeBlob: Token?
    private let nextIndex = Atomic(0)
    private let left: Atomic<Int>
    private let failure = Locked<RekkordError?>(nil)
    private let helpers = Atomic(0)

    /// Something that few may have at a time.
    final class Token: Sendable {
        private let home: BoundedQueue<Bool>

        /// Takes one, waiting for it.
        init(from home: BoundedQueue<Bool>) {
            self.home = home
            _ = home.pop()
        }

        deinit { home.push(true) }
    }

    init(_ table: FileTable, _ place: TargetPlace, _ work: Work, largeBlob: Token?) {
        precondition(table.count > 0)
        self.table = table
        self.place = place
        self.work = work
        self.largeBlob = largeBlob
        left = Atomic(table.count)
    }

    /// The next chunk that nobody took; nil when there is none.
    func take() -> FileTable.Chunk? {
        let index = nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < table.count else {
            nextIndex.store(table.count, ordering: .relaxed)
            return nil
        }
        return table.chunk(at: index)
    }

    /// Whether another thread would find something to do; counts it if so.
    func wantsHelp(of threads: Int) -> Bool {
        let index = nextIndex.load(ordering: .relaxed)
        let count = helpers.load(ordering: .relaxed)
        guard index < table.count, count < min(threads - 1, table.count - index) else { return false }
        helpers.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    /// Takes back the count of a helper that could not be called.
    func dropHelp() { helpers.wrappingSubtract(1, ordering: .relaxed) }

    /// Counts that a chunk is done; true for the last.
    func end() -> Bool { left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 }

    /// Notes why the file cannot be completed; the first reason counts.
    func fail(_ error: RekkordError) { failure.withLock { if $0 == nil { $0 = error } } }

    /// Why the file cannot be completed.
    var error: RekkordError? { failure.withLock { $0 } }
}
