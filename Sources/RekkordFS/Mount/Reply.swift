internal import CFuseShim
import Core
import Glibc

/// Owns one request of the kernel and answers it exactly once.
///
/// A request without an answer is a process that cannot be killed, so one that is dropped is answered EIO and
/// counted.
struct Reply: ~Copyable {
    /// How many requests were dropped without an answer, which is a fault of ours.
    static let droppedCount = Counter()

    private let request: rk_request

    /// Takes over a request from the kernel.
    init(_ request: rk_request) {
        self.request = request
    }

    deinit {
        Self.droppedCount.add()
        _ = rk_reply_error(request, EIO)
    }

    /// Gives up the request to somebody who will take it over again.
    consuming func release() -> rk_request {
        let request = request
        discard self
        return request
    }

    /// Answers with an errno, 0 for success without more to say.
    consuming func send(error: Int32) {
        _ = rk_reply_error(release(), error)
    }

    /// Answers a lookup with an entry, or with its absence, to be believed for some seconds.
    consuming func send(_ shown: ShownNode?, absentSeconds: Double) {
        let request = release()
        if let shown {
            var entry = rk_entry(shown)
            _ = rk_reply_entry(request, &entry)
        } else {
            _ = rk_reply_absent(request, absentSeconds)
        }
    }

    /// Answers with attributes, to be believed for some seconds.
    consuming func send(_ attributes: NodeAttributes, seconds: Double) {
        var attributes = rk_attributes(attributes)
        _ = rk_reply_attributes(release(), &attributes, seconds)
    }

    /// Answers a read, straight from where the cache has the bytes.
    consuming func send(_ bytes: FileBytes) {
        let request = release()
        if bytes.pieces.count > IOVectors.maxCount {
            // Only tiny chunks come to this.
            let joined = bytes.joined()
            _ = joined.withRawBytes { rk_reply_data(request, $0.baseAddress, $0.count) }
        } else {
            IOVectors.with(bytes) { _ = rk_reply_pieces(request, $0, $1) }
        }
    }

    /// Answers with bytes.
    consuming func send(_ bytes: [UInt8]) {
        let request = release()
        _ = bytes.withRawBytes { rk_reply_data(request, $0.baseAddress, $0.count) }
    }

    /// Answers an extended attribute or the list of their names: `size` 0 asks for the length.
    consuming func send(extended bytes: [UInt8], size: Int) {
        if size == 0 {
            _ = rk_reply_extended_size(release(), bytes.count)
        } else if bytes.count > size {
            send(error: ERANGE)
        } else {
            send(bytes)
        }
    }

    /// Answers with the target of a link, which holds no NUL.
    consuming func send(target: [UInt8]) {
        let request = release()
        System.withCString(target) { _ = rk_reply_link(request, $0) }
    }

    /// Answers with the totals of the mount.
    consuming func send(_ totals: MountTotals) {
        var statistics = rk_statistics(
            blocks: totals.byteCount.blocks(of: 131_072),
            entries: totals.entryCount
        )
        _ = rk_reply_statistics(release(), &statistics)
    }

    /// Lets the kernel keep the pages or the listing of earlier opens.
    consuming func sendOpen() {
        _ = rk_reply_open(release())
    }

    /// Appends an entry to a listing; false when it does not fit.
    borrowing func append(
        _ name: UnsafeRawBufferPointer,
        _ shown: ShownNode,
        next: UInt64,
        withAttributes: Bool,
        to buffer: UnsafeMutableRawBufferPointer,
        filled: inout Int
    ) -> Bool {
        guard let base = buffer.baseAddress, let bytes = name.baseAddress else { return false }
        var entry = rk_entry(shown)
        let room = buffer.count - filled
        let used = rk_add_entry(
            request,
            base + filled,
            room,
            bytes,
            name.count,
            &entry,
            next,
            withAttributes ? 1 : 0
        )
        guard used <= room else { return false }
        filled += used
        return true
    }
}

/// Points at the pieces of an answer.
private enum IOVectors {
    static let maxCount = 64

    static func with(_ bytes: FileBytes, _ body: (UnsafePointer<iovec>, Int) -> Void) {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: max(1, bytes.pieces.count)) { vectors in
            for (index, piece) in bytes.pieces.enumerated() {
                piece.buffer.withBytes { all in
                    let part = UnsafeMutableRawBufferPointer(
                        mutating: UnsafeRawBufferPointer(rebasing: all[piece.range])
                    )
                    vectors.initializeElement(
                        at: index,
                        to: iovec(iov_base: part.baseAddress, iov_len: part.count)
                    )
                }
            }
            guard let base = vectors.baseAddress else { return }
            // The buffers, and with them their memory, live as long as `bytes`.
            withExtendedLifetime(bytes) { body(base, bytes.pieces.count) }
        }
    }
}

extension FileBytes {
    fileprivate func joined() -> [UInt8] {
        pieces.reduce(into: []) { result, piece in
            piece.buffer.withBytes { result.append(contentsOf: $0[piece.range]) }
        }
    }
}

extension UInt64 {
    fileprivate func blocks(of byteCount: UInt64) -> UInt64 {
        self / byteCount + (self % byteCount == 0 ? 0 : 1)
    }
}

extension rk_attributes {
    fileprivate init(_ attributes: NodeAttributes) {
        self.init()
        inode = attributes.inode
        size = attributes.size
        blocks = attributes.blocks
        (access_seconds, access_nanoseconds) = attributes.access.timespec
        (modification_seconds, modification_nanoseconds) = attributes.modification.timespec
        (change_seconds, change_nanoseconds) = attributes.change.timespec
        let type =
            switch attributes.kind {
            case .file: S_IFREG
            case .folder: S_IFDIR
            case .link: S_IFLNK
            }
        mode = type | attributes.permissions
        links = attributes.links
        uid = attributes.uid
        gid = attributes.gid
    }
}

extension rk_entry {
    fileprivate init(_ shown: ShownNode) {
        self.init(
            node: shown.node.rawValue,
            entry_seconds: shown.nameSeconds,
            attribute_seconds: shown.attributeSeconds,
            attributes: rk_attributes(shown.attributes)
        )
    }
}
