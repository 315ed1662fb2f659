/// Holds what a scan knows of each blob, and which blobs refer to which, in about 90 bytes per blob.
///
/// Every blob is one node, however many snapshots and paths lead to it, so hostile trees with more paths than there
/// are atoms cost what their blobs cost. Nodes are numbered as they are met; a reference names the number of the blob
/// and what it is referred to as.
///
/// ```
/// slots  | 0 | 3 | 0 | 1 | …            1 + node, 0 = free; linear probing by hash
/// nodes  | 0 | 1 | 2 | …                `Node`
/// edges  | node 2 refers to … | node 0 refers to … | …     in the order in which blobs were read
/// ```
///
/// Not for two threads at once.
struct BlobGraph {
    /// The number of a node.
    typealias Index = UInt32

    /// What is known of the content of a blob.
    enum State: UInt8 {
        /// It is stored; nobody has referred to it yet.
        case unneeded
        /// It is needed and was not looked at yet.
        case pending
        /// It was read and found good.
        case verified
        /// It was found good lately, and is still stored as it was then.
        case remembered
        /// It is not what it should be.
        case damaged
        /// It could not be read.
        case unread

        /// Whether the content is good.
        var isGood: Bool { self == .verified || self == .remembered }
    }

    /// One blob, in 72 bytes.
    struct Node {
        private let hash: Hash32
        /// A hash of the entity tag that the listing showed.
        var entityTagHash = 0
        private var lockEnd = Int64.min
        /// The size of the stored object, from a listing.
        var objectByteCount: UInt32 = 0
        /// The size of the content, when it is good.
        var plaintextByteCount: UInt32 = 0
        fileprivate var firstEdge: UInt32 = 0
        fileprivate var edgeCount: UInt32 = 0
        private let catalog: ObjectID.Catalog
        private var lockMode = S3Settings.RetainMode.governance
        var state = State.unneeded
        /// The content, when it is good.
        var type = BlobType.chunk
        private var flags = Flags()

        private struct Flags: OptionSet {
            let rawValue: UInt8
            static let listed = Flags(rawValue: 1)
            static let trusted = Flags(rawValue: 2)
            static let damagedBelow = Flags(rawValue: 4)
        }

        /// Starts with a blob that nothing is known of.
        init(_ id: ObjectID) {
            hash = id.hash
            catalog = id.catalog
        }

        /// Its name.
        var id: ObjectID { ObjectID(catalog, hash) }

        /// Whether a listing showed it.
        var isListed: Bool {
            get { flags.contains(.listed) }
            set { set(.listed, newValue) }
        }

        /// Whether it counts as good without being read, once it is needed.
        var isTrusted: Bool {
            get { flags.contains(.trusted) }
            set { set(.trusted, newValue) }
        }

        /// Whether something in it or below it is damaged.
        var isDamagedBelow: Bool {
            get { flags.contains(.damagedBelow) }
            set { set(.damagedBelow, newValue) }
        }

        /// The lock as far as it is known.
        var lock: ObjectLock? {
            get {
                lockEnd == .min ? nil : ObjectLock(mode: lockMode, until: Timestamp(milliseconds: lockEnd))
            }
            set {
                lockEnd = newValue?.until.milliseconds ?? .min
                lockMode = newValue?.mode ?? .governance
            }
        }

        private mutating func set(_ flag: Flags, _ isSet: Bool) {
            if isSet { flags.insert(flag) } else { flags.remove(flag) }
        }
    }

    /// What a blob is referred to as.
    struct Reference: Hashable, Sendable {
        let id: ObjectID
        let role: Role
    }

    /// What a reference promises.
    enum Role: Hashable, Sendable {
        case snapshot
        case folder
        case file
        case link
        /// A piece of a file, of exactly so many bytes.
        case chunk(byteCount: Int32)

        /// What an entry promises; nil when it refers to nothing.
        init?(_ kind: EntryKind) {
            switch kind {
            case .unknown: return nil
            case .directory: self = .folder
            case .file: self = .file
            case .link: self = .link
            }
        }

        /// What is wrong with a good blob in this role; nil when nothing is.
        func fault(_ type: BlobType, byteCount: Int) -> FormatError? {
            switch self {
            case .snapshot where type.isSnapshot, .folder where type.isDirectory, .link where type == .link,
                .file where type == .file || type == .chunk:
                return nil
            case .snapshot: return FormatError("not a snapshot but a \(type.noun)", .type)
            case .folder: return FormatError("not a folder but a \(type.noun)", .type)
            case .link: return FormatError("not a link but a \(type.noun)", .type)
            case .file: return FormatError("not a file but a \(type.noun)", .type)
            case .chunk(let expected):
                guard type == .chunk else { return FormatError("not a piece of a file", .type) }
                if byteCount == Int(expected) { return nil }
                return FormatError("\(byteCount) bytes instead of \(expected)", .size)
            }
        }
    }

    /// The most nodes that the numbers have room for.
    private static let maxNodeCount = 1 << 29

    private var nodes: ContiguousArray<Node> = []
    private var slots = [UInt32](repeating: 0, count: 1024)
    /// Per reference one word, role and node; a chunk's is followed by its length.
    private var edges: ContiguousArray<UInt32> = []

    /// How many blobs there are.
    var count: Int { nodes.count }
    /// The numbers of all blobs.
    var indices: Range<Index> { 0..<Index(nodes.count) }

    subscript(index: Index) -> Node {
        get { nodes[Int(index)] }
        _modify { yield &nodes[Int(index)] }
    }

    /// The number of a blob that is known.
    func find(_ id: ObjectID) -> Index? {
        let value = slots[slot(of: id)]
        return value == 0 ? nil : value - 1
    }

    /// The number of a blob, which is a new node when it was not known.
    mutating func insert(_ id: ObjectID) throws(RekkordError) -> Index {
        let place = slot(of: id)
        if slots[place] != 0 { return slots[place] - 1 }
        guard nodes.count < Self.maxNodeCount else {
            throw RekkordError(.unsupported, "cannot scan: more than \(Self.maxNodeCount) blobs")
        }
        nodes.append(Node(id))
        slots[place] = UInt32(nodes.count)
        if nodes.count * 3 > slots.count * 2 { grow() }
        return Index(nodes.count - 1)
    }

    /// Notes what a blob refers to.
    mutating func connect(_ index: Index, to references: [(node: Index, role: Role)]) throws(RekkordError) {
        let words = references.reduce(0) { $0 + Self.wordCount($1.role) }
        guard edges.count + words <= UInt32.max else {
            throw RekkordError(.unsupported, "cannot scan: too many references between blobs")
        }
        self[index].firstEdge = UInt32(edges.count)
        self[index].edgeCount = UInt32(words)
        for (node, role) in references {
            edges.append(node << 3 | Self.code(role))
            if case .chunk(let byteCount) = role { edges.append(UInt32(bitPattern: byteCount)) }
        }
    }

    /// Walks over the references of one blob.
    struct Cursor {
        fileprivate var next: UInt32
        fileprivate let end: UInt32
    }

    /// The beginning of what a blob refers to.
    func references(of index: Index) -> Cursor {
        let node = self[index]
        return Cursor(next: node.firstEdge, end: node.firstEdge + node.edgeCount)
    }

    /// The next reference; nil behind the last.
    func next(_ cursor: inout Cursor) -> (node: Index, role: Role)? {
        guard cursor.next < cursor.end else { return nil }
        let word = edges[Int(cursor.next)]
        cursor.next += 1
        let role: Role
        switch word & 7 {
        case 0: role = .snapshot
        case 1: role = .folder
        case 2: role = .file
        case 3: role = .link
        default:
            role = .chunk(byteCount: Int32(bitPattern: edges[Int(cursor.next)]))
            cursor.next += 1
        }
        return (word >> 3, role)
    }

    private static func code(_ role: Role) -> UInt32 {
        switch role {
        case .snapshot: 0
        case .folder: 1
        case .file: 2
        case .link: 3
        case .chunk: 4
        }
    }

    private static func wordCount(_ role: Role) -> Int {
        if case .chunk = role { 2 } else { 1 }
    }

    /// Where the blob is entered, or would be.
    private func slot(of id: ObjectID) -> Int {
        // Seeded anew in each process: a hostile folder may name blobs of any hash.
        var place = id.hashValue & (slots.count - 1)
        while slots[place] != 0, nodes[Int(slots[place]) - 1].id != id {
            place = (place + 1) & (slots.count - 1)
        }
        return place
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for index in nodes.indices { slots[slot(of: nodes[index].id)] = UInt32(index + 1) }
    }
}
