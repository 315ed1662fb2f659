internal import Glibc
internal import SystemPackage

/// Makes many local objects durable together: an fsync for each would cost more than all else.
///
/// ```
/// put ─ temporary file ─┐                       ┌ one syncfs (or an fsync each) ─ rename each ─ fsync the folders
/// put ─ temporary file ─┼─ group ─ queue ─ committer thread
/// flush ────────────────┘                       └ completions, in the order of the puts
/// ```
///
/// - Source: docs/decisions/0008. C: `syncfs(2)`, which reports write errors since the descriptor was opened.
final class LocalWriteBatch: WriteBatch {
    /// A group is committed when it holds this many objects or bytes.
    private static let maxGroupCount = 4096
    private static let maxGroupByteCount = 128 << 20
    /// File systems whose `syncfs` covers data and tells about failed writes: ext4, xfs, btrfs, f2fs, zfs.
    private static let groupSyncedTypes: Set<UInt32> = [
        0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x2FC1_2FC1,
    ]

    private struct Pending {
        let file: TemporaryFile
        let name: String
        let completion: @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    }

    private struct Group {
        var objects: [Pending] = []
        var byteCount = 0
        var failure: RekkordError?

        /// Empties the group; the failure stays for the next flush.
        mutating func take() -> [Pending] {
            defer {
                objects = []
                byteCount = 0
            }
            return objects
        }
    }

    private enum Work {
        case commit([Pending])
        case barrier(BoundedQueue<Bool>)
    }

    private let storage: LocalStorage
    /// Open since before the first write; nil where each file is synced by itself.
    private let syncDescriptor: Descriptor?
    private let group = Locked(Group())
    private let queue = BoundedQueue<Work>(capacity: 1)
    private let committer: Locked<WorkerThread?>

    init(_ storage: LocalStorage) throws(RekkordError) {
        self.storage = storage
        do {
            let root = try System.open(storage.path(""), flags: O_RDONLY | O_DIRECTORY)
            let type = System.fileSystemType(root.number)
            syncDescriptor = type.map { Self.groupSyncedTypes.contains($0) } == true ? root : nil
        } catch {
            throw LocalStorage.failure("open", "", error)
        }
        committer = Locked(nil)
        // The thread keeps the queue alive, not the batch, so that dropping the batch ends it.
        let thread = try WorkerThread(name: "commit") { [queue, storage, syncDescriptor] in
            while let work = queue.pop() {
                switch work {
                case .commit(let objects): Self.commit(objects, storage, syncDescriptor)
                case .barrier(let reply): reply.push(true)
                }
            }
        }
        committer.withLock { $0 = thread }
    }

    deinit {
        queue.close()
        committer.withLock { $0 }?.join()
        for object in group.withLock({ $0.objects }) { object.file.remove() }
    }

    func put(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        completion: @escaping @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    ) {
        let file: TemporaryFile
        do {
            file = try TemporaryFile(for: storage, bytes, isSynced: syncDescriptor == nil)
        } catch {
            fail(LocalStorage.failure("write", name, error), completion)
            return
        }
        let full = group.withLock { (group) -> [Pending]? in
            let object = Pending(file: file, name: name) { [weak self] result in
                if case .failure(let error) = result { self?.remember(error) }
                completion(result)
            }
            group.objects.append(object)
            group.byteCount += bytes.count
            let isFull =
                group.objects.count >= Self.maxGroupCount || group.byteCount >= Self.maxGroupByteCount
            return isFull ? group.take() : nil
        }
        if let full { queue.push(.commit(full)) }
    }

    func flush() throws(RekkordError) {
        let rest = group.withLock { $0.take() }
        if !rest.isEmpty { queue.push(.commit(rest)) }
        let reply = BoundedQueue<Bool>(capacity: 1)
        queue.push(.barrier(reply))
        _ = reply.pop()
        let failure = group.withLock { group in
            defer { group.failure = nil }
            return group.failure
        }
        if let failure { throw failure }
    }

    private func fail(
        _ error: RekkordError,
        _ completion: @Sendable (Result<WriteOutcome, RekkordError>) -> Void
    ) {
        remember(error)
        completion(.failure(error))
    }

    private func remember(_ error: RekkordError) {
        group.withLock { if $0.failure == nil { $0.failure = error } }
    }

    private static func commit(_ objects: [Pending], _ storage: LocalStorage, _ syncDescriptor: Descriptor?) {
        if let syncDescriptor {
            do {
                try System.syncFileSystem(syncDescriptor.number)
            } catch {
                for object in objects {
                    object.file.remove()
                    object.completion(.failure(LocalStorage.failure("write", object.name, error)))
                }
                return
            }
        }
        let renamed = objects.map { object -> Result<WriteOutcome, Errno> in
            do throws(Errno) {
                return .success(try object.file.moveIntoPlace(object.name, .create, isSynced: false))
            } catch {
                return .failure(error)
            }
        }
        // Also where an object existed: whoever wrote it may not have synced its folder yet.
        var folders: [String: Result<Void, Errno>] = [:]
        for object in objects {
            let folder = LocalLayout.folder(of: object.name)
            if folders[folder] == nil { folders[folder] = syncFolder(folder, storage) }
        }
        for (object, renamed) in zip(objects, renamed) {
            let synced = folders[LocalLayout.folder(of: object.name)] ?? .success(())
            let result = renamed.flatMap { outcome in synced.map { outcome } }
            object.completion(result.mapError { LocalStorage.failure("write", object.name, $0) })
        }
    }

    private static func syncFolder(_ folder: String, _ storage: LocalStorage) -> Result<Void, Errno> {
        do throws(Errno) {
            return .success(try LocalLayout.syncFolder(folder, in: storage))
        } catch {
            return .failure(error)
        }
    }
}
