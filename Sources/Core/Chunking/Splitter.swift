/// Finds where the chunks of a file end; pure.
///
/// Every file is split on its own. Cuts depend on the content and on a secret of the repository, never on how the
/// file was read. A chunk has 1…8 MiB, but for the last of a file, which may be shorter; an empty file has none.
///
/// - Source: rekkord-format(5), "Cutting".
public struct Splitter: Sendable {
    /// A chunk that ends by its content has more bytes than this.
    public static let minimumChunkByteCount = 1 << 20
    /// Where `Stable` begins to accept more cuts.
    static let normalChunkByteCount = 2 << 20
    /// No chunk has more bytes than this.
    public static let maximumChunkByteCount = 8 << 20

    private enum Method {
        case stable(StableSplitter)
        case rekkord(RekkordSplitter)
    }

    private let method: Method

    /// Makes the splitter of a repository, keyed by what all its writers share.
    public init(_ chunking: Chunking, salt: SplitterSalt) {
        switch chunking {
        case .stable: self.init(stableTableBytes: salt.stableTableBytes)
        case .rekkord: self.init(rekkordSeed: salt.seed)
        }
    }

    /// Makes our splitter from the 2048 bytes of its table.
    init(stableTableBytes bytes: [UInt8]) {
        method = .stable(StableSplitter(tableBytes: bytes))
    }

    /// Makes the original's splitter from its 8 seed bytes.
    init(rekkordSeed seed: [UInt8]) {
        method = .rekkord(RekkordSplitter(seed: seed))
    }

    /// The end of the chunk that starts at the beginning of `window`, relative to it; 0 when it is empty.
    ///
    /// - Parameters:
    ///   - window: At least `maximumChunkByteCount` bytes, or all that is left of the file.
    ///   - fileOffset: Where in the file the window starts.
    ///   - isEnd: The window reaches the end of the file.
    public func chunkEnd(_ window: UnsafeRawBufferPointer, fileOffset: UInt64, isEnd: Bool) -> Int {
        precondition(isEnd || window.count >= Self.maximumChunkByteCount)
        var search = Search(fileOffset: fileOffset)
        return advance(&search, in: window, isEnd: isEnd) ?? window.count
    }

    /// How far the search for the end of one chunk has come.
    struct Search {
        /// Where in the file the chunk starts.
        let fileOffset: UInt64
        /// How many bytes of the chunk were searched; 0 before the first.
        var byteCount = 0
        /// The rolling hash of the splitter after these bytes.
        var hash: UInt64 = 0
    }

    /// Goes on with a search when more of the chunk is there; nil when it has to see still more.
    ///
    /// What decides about an end lies before it, apart from a file that ends within the minimum. So an end that is
    /// found is final, and bytes can be searched as they arrive, while they are in the processor's cache.
    ///
    /// - Parameters:
    ///   - window: The chunk from its start, at least as much of it as last time.
    ///   - isEnd: The window reaches the end of the file.
    func advance(_ search: inout Search, in window: UnsafeRawBufferPointer, isEnd: Bool) -> Int? {
        let limit = min(window.count, Self.maximumChunkByteCount)
        if limit > Self.minimumChunkByteCount, let bytes = window.baseAddress {
            let end =
                switch method {
                case .stable(let splitter): splitter.advance(&search, in: bytes, upTo: limit)
                case .rekkord(let splitter): splitter.advance(&search, in: bytes, upTo: limit)
                }
            if let end { return end }
        }
        return isEnd || limit == Self.maximumChunkByteCount ? limit : nil
    }
}
