/// Decides how hard to try to compress a blob.
///
/// What does not compress at the fastest setting does not compress at a slow one either: films, archives, keys.
/// Such data gets the least effort, and LZ4 then stores it in uncompressed blocks.
struct CompressionEffort: Sendable {
    /// The configured level.
    let level: Int

    /// LZ4's fastest: it looks for a match only now and then.
    static let leastLevel = -65_536
    /// Blobs up to this size are compressed without a trial, which would cost as much.
    private static let trialByteCount = 64 << 10
    private static let sampleCount = 4
    private static let sampleByteCount = trialByteCount / sampleCount
    /// Data that a trial makes smaller by less than one part in so many does not compress.
    private static let leastGain = 32

    /// The level at which to compress `plaintext`.
    func level(for plaintext: UnsafeRawBufferPointer) -> Int {
        guard plaintext.count > 2 * Self.trialByteCount else { return level }
        // Several places: a file can begin with a header or text and go on with packed data.
        let stride = (plaintext.count - Self.sampleByteCount) / (Self.sampleCount - 1)
        var compressedByteCount = 0
        for index in 0..<Self.sampleCount {
            let start = index * stride
            let sample = UnsafeRawBufferPointer(
                rebasing: plaintext[start..<start + Self.sampleByteCount]
            )
            compressedByteCount += LZ4.trialByteCount(sample)
        }
        let limit = Self.trialByteCount - Self.trialByteCount / Self.leastGain
        return compressedByteCount > limit ? Self.leastLevel : level
    }
}
