/// Divides the memory of a mount between what it keeps and what is on its way.
///
/// ```
/// | keptByteCount                               | receivedByteCount | decoding |
///  '------------- --cache-size --------------'   '---- at least 16 MB -------'
/// ```
///
/// What is on its way gets a fixed part beside the cache, and of the cache as much as connections can use, at most a
/// quarter. So a small cache is served slowly rather than with more memory than it was given.
public struct MountMemory: Sendable {
    /// What every mount may have on its way.
    static let leastByteCount = 16 << 20
    /// What one connection can use: a large object that it receives, and one that waits to be decoded.
    static let connectionByteCount = 8 << 20
    /// What a decoder takes, not counting rare chunks that are larger.
    static let decoderByteCount = 4 << 20

    /// For decoded blobs that are kept.
    public let keptByteCount: Int
    /// For objects that are received or wait to be decoded.
    public let receivedByteCount: Int
    /// How many of them are decoded at once.
    public let decoderCount: Int

    /// Divides.
    ///
    /// - Parameter cacheByteCount: What `--cache-size` says.
    public init(cacheByteCount: Int, connectionCount: Int, processorCount: Int) {
        let taken = min(cacheByteCount / 4, connectionCount * Self.connectionByteCount)
        let moving = Self.leastByteCount + taken
        keptByteCount = cacheByteCount - taken
        decoderCount = max(1, min(processorCount, moving / 2 / Self.decoderByteCount))
        receivedByteCount = moving - decoderCount * Self.decoderByteCount
    }

    /// What all of it takes at most.
    public var byteCount: Int { keptByteCount + movingByteCount }

    private var movingByteCount: Int { receivedByteCount + decoderCount * Self.decoderByteCount }

    /// What may wait to be written to the disk cache, which keeps others from being received.
    public var writtenByteCount: Int { receivedByteCount / 4 }

    /// Has the process keep to it.
    public func apply() {
        BufferPool.shared.setLimits(idleByteCount: movingByteCount, receivedByteCount: receivedByteCount)
    }
}
