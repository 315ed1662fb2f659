/// Reads one blob from the storage and judges it, on any thread.
struct BlobCheck: Sendable {
    /// What was found out about one blob.
    enum Finding: Sendable {
        case good(Content, ObjectState)
        case damaged(FormatError)
        /// There is nothing to judge: the storage failed or refused.
        case unread(RekkordError)
    }

    /// What a good blob holds, as far as a scan cares.
    struct Content: Sendable {
        let type: BlobType
        let plaintextByteCount: Int
        let objectByteCount: Int
        /// What it refers to, in no order.
        var references: [BlobGraph.Reference] = []
        /// What is wrong in it though it is what was stored.
        var faults: [EntryFault] = []
        /// The numbers and the channel of a snapshot.
        var snapshot: SnapshotBlob?
    }

    /// Something wrong with one entry, or with several of a folder whose names cannot be shown.
    struct EntryFault: Sendable {
        /// The entry; nil for the folder as a whole.
        let name: [UInt8]?
        let error: FormatError
    }

    /// Of faults in the entries of one folder, so many are told one by one.
    private static let maxFaultCount = 16

    /// References are told as they are when there are no more than this.
    private static let keptReferenceCount = 1000

    /// Larger blobs are read one at a time: only huge folders and lists of chunks are, and what somebody planted.
    private static let usualByteCount = 16 << 20

    private let repository: Repository
    /// Full while somebody reads a large blob.
    private let largeBlob = BoundedQueue<Bool>(capacity: 1)

    /// Reads through a repository.
    init(_ repository: Repository) { self.repository = repository }

    /// Reads and judges the blob.
    ///
    /// - Parameter listedByteCount: How large the object is, if that is known; else 0.
    func check(_ id: ObjectID, listedByteCount: Int) -> Finding {
        let verified: Repository.VerifiedBlob
        do throws(RekkordError) {
            switch try inspect(id, listedByteCount) {
            case .success(let blob): verified = blob
            case .failure(let error): return .damaged(error)
            }
        } catch {
            switch error.kind {
            case .missing: return .damaged(FormatError("object is missing", .missing))
            // Larger than any blob, or something else than an object.
            case .corrupted: return .damaged(FormatError("not a blob", .structure))
            default: return .unread(error)
            }
        }
        do throws(FormatError) {
            return .good(try Self.content(of: verified.blob), verified.object.state)
        } catch {
            return .damaged(error)
        }
    }

    private func inspect(_ id: ObjectID, _ byteCount: Int) throws(RekkordError)
        -> Result<Repository.VerifiedBlob, FormatError>
    {
        if byteCount <= Self.usualByteCount {
            let result = try repository.inspect(id, limit: Self.usualByteCount)
            guard case .failure(.tooLarge) = result else { return result }
        }
        largeBlob.push(true)
        defer { _ = largeBlob.tryPop() }
        return try repository.inspect(id)
    }

    /// Decodes a blob whose hash is right.
    static func content(of blob: Blob) throws(FormatError) -> Content {
        var content = Content(
            type: blob.type,
            plaintextByteCount: blob.bytes.count,
            objectByteCount: blob.objectByteCount
        )
        switch blob.type {
        case .chunk: break
        case .link: _ = try LinkTarget(blob.bytes.array)
        case .file:
            let table = try FileTable(blob.bytes)
            content.references = unique(
                (0..<table.count).map { index in
                    let chunk = table.chunk(at: index)
                    return .init(id: chunk.objectID, role: .chunk(byteCount: chunk.byteCount))
                }
            )
        case .directory1, .directory2, .directory3, .directory:
            // Stands for a folder that could not be listed when it was saved; nothing is wrong with it.
            if blob.bytes.count == 0 { break }
            let folder = try DirectoryBlob(blob)
            content.references = unique(
                (0..<folder.count).compactMap { index in
                    reference(folder.hash(at: index), folder.flags(at: index), folder.kind(at: index))
                }
            )
            addFaults(hiddenNameCount: folder.hiddenNameCount, to: &content)
            if folder.hasExtendedAttributes {
                for index in 0..<folder.count where folder.hasExtended(at: index) {
                    check(folder.extended(at: index), name: folder.name(at: index), &content)
                }
            }
        case .snapshot1, .snapshot2, .snapshot3, .snapshot4, .snapshot5, .snapshot:
            var snapshot = try SnapshotBlob(blob)
            content.references = unique(
                snapshot.roots.compactMap { reference($0.hash, $0.flags, $0.kind) }
            )
            addFaults(hiddenNameCount: snapshot.hiddenNameCount, to: &content)
            for root in snapshot.roots where !root.extended.isEmpty {
                check(root.extended, name: root.name, &content)
            }
            snapshot.roots = []
            content.snapshot = snapshot
        }
        return content
    }

    /// What an entry refers to; nil when nothing was stored for it.
    static func reference(_ hash: Hash32, _ flags: EntryFlags, _ kind: EntryKind) -> BlobGraph.Reference? {
        guard flags.contains(.readable), let role = BlobGraph.Role(kind) else { return nil }
        return BlobGraph.Reference(id: ObjectID(kind.catalog, hash), role: role)
    }

    /// Leaves each reference once where there are many: a hostile folder may have millions of equal entries.
    private static func unique(_ references: [BlobGraph.Reference]) -> [BlobGraph.Reference] {
        if references.count <= keptReferenceCount { return references }
        var seen: Set<BlobGraph.Reference> = []
        return references.filter { seen.insert($0).inserted }
    }

    private static func addFaults(hiddenNameCount count: Int, to content: inout Content) {
        if count == 0 { return }
        let what =
            count == 1 ? "1 entry has a bad or repeated name" : "\(count) entries have bad or repeated names"
        content.faults.append(EntryFault(name: nil, error: FormatError(what, .name)))
    }

    private static func check(_ extended: [UInt8], name: [UInt8], _ content: inout Content) {
        guard content.faults.count < maxFaultCount else { return }
        do throws(FormatError) {
            _ = try ExtendedAttributes.parse(extended)
        } catch {
            content.faults.append(EntryFault(name: name, error: error))
        }
    }
}
