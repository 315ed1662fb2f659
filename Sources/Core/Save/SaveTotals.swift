/// Sums over a part of the tree.
struct SaveTotals: Sendable {
    /// The bytes of files that were read.
    var size: Int64 = 0
    /// The files, links and folders.
    var entries: Int64 = 0
    /// The encrypted bytes of all blobs, each counted as often as it is referred to.
    var stored: Int64 = 0

    static func += (a: inout SaveTotals, b: SaveTotals) {
        a.size &+= b.size
        a.entries &+= b.entries
        a.stored &+= b.stored
    }
}
