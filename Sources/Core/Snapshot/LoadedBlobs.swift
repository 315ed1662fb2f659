/// Keeps the outcomes of the loads that one operation asked for, until it is done.
///
/// Without it two operations that evict one another's blobs could take turns for ever.
public struct LoadedBlobs: Sendable {
    /// The outcome of one load.
    public typealias Outcome = Result<DecodedBlob, RekkordError>

    private var outcomes: [(id: ObjectID, outcome: Outcome)] = []

    /// All of them.
    var all: [(id: ObjectID, outcome: Outcome)] { outcomes }

    /// What the operation worked out before these loads.
    let work: HistoryWork?

    /// Starts empty, as an operation does.
    public init() {
        work = nil
    }

    /// Goes on with what was worked out.
    public init(continuing work: HistoryWork) {
        self.work = work
    }

    /// Whether the operation had to wait for nothing so far.
    public var isEmpty: Bool { outcomes.isEmpty }

    /// Adds an outcome.
    public mutating func add(_ id: ObjectID, _ outcome: Outcome) {
        outcomes.append((id, outcome))
    }

    subscript(id: ObjectID) -> Outcome? {
        outcomes.first { $0.id == id }?.outcome
    }
}

/// Why an operation of a mount cannot give a result now.
public enum Obstacle: Error, Sendable {
    /// It has to be tried again with these blobs, at least one.
    case needs([ObjectID])
    /// It got on, and has to be tried again with what it worked out and these blobs, at least one; it is done with
    /// those it had.
    case advances(HistoryWork, [ObjectID])
    /// It fails.
    case fails(MountFailure)
}

/// How an operation of a mount fails.
public enum MountFailure: Error, Sendable {
    /// The number means nothing, or no longer. C: `ESTALE`.
    case stale
    /// It is no folder. C: `ENOTDIR`.
    case notFolder
    /// It is a folder. C: `EISDIR`.
    case isFolder
    /// No entry can have a name so long. C: `ENAMETOOLONG`.
    case nameTooLong
    /// It is no link. C: `EINVAL`.
    case notLink
    /// There is no such extended attribute. C: `ENODATA`.
    case noAttribute
    /// There are no attributes of that kind here. C: `EOPNOTSUPP`.
    case attributesUnsupported
    /// Its content was not stored. C: `EIO`.
    case unreadable
    /// Its content cannot be had; the message starts with the blob. C: `EIO`.
    case damaged(RekkordError)
}
