/// Names one entry of a mount to the kernel by saying where it lives.
///
/// ```
/// | slot of a folder, 40 bits | position in it + 1, 24 bits |     1 = the root: slot 0, position 0
/// ```
///
/// So no table has a row per file. A slot is never given to another folder, hence a number never gets another
/// meaning while the kernel remembers it.
public struct NodeNumber: Hashable, Sendable {
    /// The largest position in a folder.
    static let maxPosition = 0xFF_FFFE
    private static let positionBits = 24

    /// The root of the mount.
    ///
    /// C: `FUSE_ROOT_ID`.
    public static let root = NodeNumber(rawValue: 1)
    /// Tells the kernel to remember nothing of an entry.
    public static let none = NodeNumber(rawValue: 0)

    /// The number as the kernel has it.
    public let rawValue: UInt64

    /// Takes a number from the kernel.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(slot: UInt64, position: Int) {
        precondition(position >= 0 && position <= Self.maxPosition)
        rawValue = slot << Self.positionBits | UInt64(position + 1)
    }

    /// The folder that shows the entry.
    var slot: UInt64 { rawValue >> Self.positionBits }

    /// The place in that folder; −1 in no number that was ever handed out.
    var position: Int { Int(rawValue & ((1 << Self.positionBits) - 1)) - 1 }
}
