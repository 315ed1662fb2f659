/// Computes `st_ino` from where an entry is, so that it is the same after a remount.
///
/// FNV-1a with a final mix. Numbers that collide are confusing and no more, since the kernel tells entries
/// apart by `NodeNumber`.
struct InodeHash: Hashable, Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Adds bytes and a mark of their end.
    mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { combine(byte) }
        combine(0)
    }

    private mutating func combine(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    /// This hash with `name` added.
    func appending(_ name: some Sequence<UInt8>) -> InodeHash {
        var result = self
        result.combine(name)
        return result
    }

    /// The number to show for the entry at `position` of the folder that this stands for, neither 0 nor 1.
    ///
    /// Numbers ascend with the stored order. `cp` and `fts(3)` go through a folder by ascending numbers, so what
    /// they read next is what comes next, and can be fetched ahead.
    func inode(at position: Int) -> UInt64 { (inode >> 1) + 2 + UInt64(position) }

    /// The number to show, neither 0 nor 1, which is the root of the mount.
    var inode: UInt64 {
        var value = state
        value = (value ^ (value >> 33)) &* 0xff51_afd7_ed55_8ccd
        value = (value ^ (value >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        value ^= value >> 33
        return value < 2 ? value + 2 : value
    }
}

extension InodeHash {
    /// Starts the numbers of all that is no folder in the folder with this content.
    init(folder: ObjectID) {
        self.init()
        combine(folder.bytes)
    }
}
