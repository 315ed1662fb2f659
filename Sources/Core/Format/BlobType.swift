/// Tells how the plaintext of a blob is laid out.
///
/// The numbers are stored in the blob; the ones in a name are layouts of earlier revisions.
/// - Source: rekkord-format(5), "Container".
public enum BlobType: UInt8, Sendable, CaseIterable {
    /// A piece of a file.
    case chunk = 0
    /// The list of chunks of a file.
    case file = 1
    case directory1 = 2
    case snapshot1 = 3
    /// The target of a symbolic link.
    case link = 4
    case snapshot2 = 5
    case directory2 = 6
    case snapshot3 = 7
    case directory3 = 8
    case snapshot4 = 9
    /// The entries of a folder.
    case directory = 10
    case snapshot5 = 11
    /// The root entries of a snapshot.
    case snapshot = 12

    /// The catalog in which blobs of this type are stored.
    public var catalog: ObjectID.Catalog {
        switch self {
        case .chunk, .file, .link: .raw
        case .directory1, .directory2, .directory3, .directory: .metadata
        case .snapshot1, .snapshot2, .snapshot3, .snapshot4, .snapshot5, .snapshot: .metadata
        }
    }

    /// Whether it is a folder, of any revision.
    public var isDirectory: Bool {
        switch self {
        case .directory1, .directory2, .directory3, .directory: true
        case .chunk, .file, .link: false
        case .snapshot1, .snapshot2, .snapshot3, .snapshot4, .snapshot5, .snapshot: false
        }
    }

    /// Whether it is a snapshot, of any revision.
    public var isSnapshot: Bool { catalog == .metadata && !isDirectory }

    /// What a user calls it.
    public var noun: String {
        switch self {
        case .chunk, .file: "file"
        case .link: "link"
        case .directory1, .directory2, .directory3, .directory: "folder"
        case .snapshot1, .snapshot2, .snapshot3, .snapshot4, .snapshot5, .snapshot: "snapshot"
        }
    }
}
