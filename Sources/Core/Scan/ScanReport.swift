/// What a scan found.
public struct ScanReport: Sendable {
    /// How many blobs that snapshots need ended in which way.
    public struct Blobs: Sendable, Equatable {
        /// Read and found good.
        public var verified = 0
        /// Found good by an earlier scan, and still stored as they were.
        public var remembered = 0
        /// Missing, or not what they should be.
        public var damaged = 0
        /// Not to be judged, since the storage failed or refused.
        public var notVerified = 0

        /// All that were judged.
        public var checked: Int { verified + remembered + damaged }
    }

    /// Blobs that no snapshot needs.
    public struct Orphans: Sendable, Equatable {
        /// How many there are.
        public var count = 0
        /// What they occupy.
        public var byteCount: Int64 = 0
    }

    /// How many objects that snapshots need have their locks in which state.
    public struct Locks: Sendable, Equatable {
        /// They end later than before.
        public var extended = 0
        /// They end late enough.
        public var current = 0
        /// They could not be extended.
        public var failed = 0
    }

    /// How many snapshots there are, each tag that can be used being one.
    public var snapshots = 0
    /// How many of them are damaged.
    public var damagedSnapshots = 0
    /// How many tags say nothing that can be used.
    public var unusableTags = 0
    /// The blobs that they need.
    public var blobs = Blobs()
    /// Nil when something that could need a blob was not to be read, or blobs could not be listed.
    public var orphans: Orphans?
    /// Nil without retention.
    public var locks: Locks?
    /// What is wrong, and what could not be checked: tags and keys first, then by channel and path.
    public var problems: [ScanProblem] = []
    /// How many more paths lead to what `problems` names, `.max` for that many or more.
    public var unnamedPaths = 0
    /// Why locks could not be extended, the first few reasons.
    public var lockErrors: [RekkordError] = []

    /// Whether something is not what it should be.
    public var hasDamage: Bool { problems.contains { $0.what.isDamage } }
    /// Whether everything was checked, and every lock was extended.
    public var isComplete: Bool {
        (locks?.failed ?? 0) == 0 && problems.allSatisfy { $0.what.isDamage }
    }
}

/// One thing that is wrong, or could not be checked.
public struct ScanProblem: Sendable {
    /// What it is.
    public enum What: Sendable, Equatable {
        case damage(Damage)
        /// The storage failed.
        case transport
        /// The storage refused.
        case permission

        /// The word in reports.
        public var name: String {
            switch self {
            case .damage(let damage): damage.rawValue
            case .transport: "transport"
            case .permission: "permission"
            }
        }

        /// Whether something is not what it should be, rather than not to be checked.
        public var isDamage: Bool {
            if case .damage = self { true } else { false }
        }
    }

    /// The bytes of a file that it concerns.
    public struct Extent: Sendable, Equatable {
        /// Where they start.
        public var offset: Int64
        /// How many they are.
        public var byteCount: Int64
    }

    /// What it is.
    public let what: What
    /// One clause.
    public let message: String
    /// The object: a blob has one, tags and keys do not.
    public var object: ObjectID?
    /// The name of the object in the storage.
    public var objectName: String?
    /// The channel of the snapshot.
    public var channel: [UInt8]?
    /// The time of the newest snapshot that it concerns.
    public var time: Timestamp?
    /// That snapshot.
    public var snapshot: ObjectID?
    /// The path in the snapshot; nil when none leads there.
    public var path: [UInt8]?
    /// The bytes of the file at that path.
    public var extent: Extent?
    /// How many snapshots it concerns in the same way.
    public var snapshots = 0

    init(_ what: What, _ message: String) {
        self.what = what
        self.message = message
    }

    init(_ error: FormatError) {
        self.init(.damage(error.damage), error.reason)
    }

    init(_ error: RekkordError) {
        self.init(error.kind == .denied ? .permission : .transport, error.message)
    }
}
