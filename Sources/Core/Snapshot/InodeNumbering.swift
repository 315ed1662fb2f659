/// Gives the files and links of a folder the `st_ino` that they have in another version of that folder.
///
/// Entries that are the same byte for byte get the same number, so whoever compares numbers, as `diff -r` does, knows
/// that the files are the same and reads neither. All other entries get numbers of their own.
struct InodeNumbering: Sendable {
    /// Entries in a row that have numbers in a row.
    private struct Run: Sendable {
        let start: Int
        let number: UInt64
    }

    private static let minRunCount = 64
    /// So many entries may take one run of memory.
    private static let entriesPerRun = 4

    private let own: InodeHash
    /// Ascending; what is before the first one has its own number.
    private var runs: [Run] = []

    /// Compares a folder with another version of it.
    ///
    /// - Parameters:
    ///   - own: Numbers what is not the same.
    ///   - number: The numbers of the other version.
    init(_ own: InodeHash, of folder: DirectoryBlob, like other: DirectoryBlob, _ number: (Int) -> UInt64) {
        self.own = own
        let maxRunCount = max(Self.minRunCount, folder.count / Self.entriesPerRun)
        var next = 0
        for index in 0..<folder.count where folder.kind(at: index) != .directory {
            let same = runs.count < maxRunCount ? other.index(ofSame: index, in: folder, near: next) : nil
            next = (same ?? next) + 1
            let number = same.map(number) ?? own.inode(at: index)
            if let last = runs.last, last.number &+ UInt64(index - last.start) == number { continue }
            runs.append(Run(start: index, number: number))
            if runs.count > maxRunCount { return }
        }
    }

    /// The number of the file or link at `position`.
    func inode(at position: Int) -> UInt64 {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].start <= position { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return own.inode(at: position) }
        return runs[low - 1].number &+ UInt64(position - runs[low - 1].start)
    }
}
