/// The content of a file that is being saved: the chunks so far, and what becomes known of each.
///
/// One worker reads it; others may take chunks off its hands. Whoever settles the last part ends the file.
final class SavedFile: Sendable {
    struct State {
        var chunks: [FileTable.Chunk] = []
        var byteCount: Int64 = 0
        var stored: Int64 = 0
        /// Chunks whose hash or size is not known yet, and until it ends the reading.
        var pendingCount = 1
        /// The content that the file must have; nil when any will do.
        var expectedHash: Hash32?
    }

    /// Where the content belongs, and what was asked of it.
    let job: FileJob
    private let state = Locked(State())

    init(_ job: FileJob) {
        self.job = job
    }

    /// Adds the next chunk and returns its index; it must be settled later.
    func append(byteCount: Int) -> Int {
        state.withLock { state in
            state.chunks.append(
                FileTable.Chunk(offset: state.byteCount, byteCount: Int32(byteCount), hash: .zero)
            )
            state.byteCount += Int64(byteCount)
            state.pendingCount += 1
            return state.chunks.count - 1
        }
    }

    /// Notes what a chunk became; everything when it was the last part that was pending.
    func settle(_ index: Int, _ id: ObjectID, stored: Int64) -> State? {
        state.withLock { state in
            state.chunks[index].hash = id.hash
            state.stored += stored
            return Self.end(&state)
        }
    }

    /// Notes that the file was read to its end; everything when nothing is pending.
    func endReading(expecting expectedHash: Hash32?) -> State? {
        state.withLock { state in
            state.expectedHash = expectedHash
            return Self.end(&state)
        }
    }

    private static func end(_ state: inout State) -> State? {
        state.pendingCount -= 1
        return state.pendingCount == 0 ? state : nil
    }
}

/// A file that has to be read.
struct FileJob: Sendable {
    let name: [UInt8]
    let directory: Descriptor
    let isFollowed: Bool
    /// The status that its entry has so far.
    let status: FileStatus
    /// The content that it must have if nothing else changed; nil when any will do.
    let expectedHash: Hash32?
    let folder: FolderNode
    let index: Int
    /// Whether the user named it, so that it has to be readable.
    let isOperand: Bool
}

extension FileStatus {
    /// Whether the content is the same as when `other` was taken, as far as the kernel tells.
    func hasSameContent(as other: FileStatus) -> Bool {
        identity == other.identity && size == other.size && modification == other.modification
            && change == other.change
    }
}
