import Core

/// One question of the kernel that may have to wait for blobs.
enum MountOperation: Sendable {
    case lookup(parent: NodeNumber, name: [UInt8])
    case attributes(NodeNumber)
    case target(NodeNumber)
    case read(NodeNumber, offset: UInt64, count: Int)
    case list(NodeNumber, offset: UInt64, byteCount: Int, withAttributes: Bool)
    case extended(NodeNumber, name: [UInt8], byteCount: Int)
    case extendedNames(NodeNumber, byteCount: Int)
    /// About all that is mounted; asked at this moment, in milliseconds.
    case statistics(since: Int64)

    /// What it is about.
    var node: NodeNumber {
        switch self {
        case .lookup(let node, _), .attributes(let node), .target(let node), .read(let node, _, _),
            .list(let node, _, _, _), .extended(let node, _, _), .extendedNames(let node, _):
            node
        case .statistics: .root
        }
    }

    /// Whether it looks into a folder, or at it.
    var isLook: Bool {
        switch self {
        case .lookup, .attributes, .list: true
        case .target, .read, .extended, .extendedNames, .statistics: false
        }
    }

    /// Whether it adds up something of all that is mounted.
    var isStatistics: Bool {
        if case .statistics = self { true } else { false }
    }

    /// The name looked up in it.
    var name: [UInt8]? {
        if case .lookup(_, let name) = self { name } else { nil }
    }
}
