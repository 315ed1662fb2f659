/// Decides which chunks of a file the kernel is given whole, beyond the bytes that it asks for.
///
/// Who reads here and there needs a few kilobytes of a chunk that was fetched and decoded whole, and comes back to it
/// when it may be gone from the cache. With all of its pages, the kernel does not ask again. Sequential readers get
/// each page once anyway.
struct ScatteredReading {
    /// So many reads more that jump than reads that go on.
    private static let minScore = 4
    private static let maxScore = 16
    /// What is so close to the read before belongs to the same stretch.
    private static let nearByteCount: UInt64 = 65_536

    private var last: Range<UInt64>?
    private var score = 0
    private var given: Set<Int> = []
    private var lastGiven = -1

    /// Notes a read of `bytes`; `isBulk` when the kernel read ahead itself.
    mutating func note(_ bytes: Range<UInt64>, isBulk: Bool) {
        defer { last = bytes }
        guard let last, !isBulk else {
            score = 0
            return
        }
        let near =
            bytes.lowerBound <= last.upperBound + Self.nearByteCount
            && last.lowerBound <= bytes.upperBound + Self.nearByteCount
        score = near ? max(0, score - 1) : min(Self.maxScore, score + 1)
    }

    /// Whether to give the chunk at `index` whole, now that a read in it is answered.
    ///
    /// - Parameter waited: Whether it was loaded for this read. If it was in the cache, it is given only if it never was
    ///   before: a kernel that has no room for the pages should not be given them again and again.
    mutating func wantsWhole(_ index: Int, waited: Bool) -> Bool {
        guard score >= Self.minScore, index != lastGiven, waited || !given.contains(index) else {
            return false
        }
        given.insert(index)
        lastGiven = index
        return true
    }
}
