internal import CLZ4

/// Compresses to and from LZ4 frames as the format wants them; the only file that touches liblz4.
///
/// - Source: rekkord-format(5), "Body". C: `lz4frame.h`.
enum LZ4 {
    /// Levels below zero trade size for speed, 0…2 are the fast compressor, 3…12 the high one.
    static let maxLevel = 12

    /// How many bytes a short run of bytes takes when it is compressed at the fastest usual setting.
    ///
    /// - Source: C: `LZ4_compress_fast`.
    static func trialByteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        let bound = LZ4_compressBound(Int32(bytes.count))
        return withUnsafeTemporaryAllocation(byteCount: Int(bound), alignment: 16) { target in
            Int(LZ4_compress_default(bytes.baseAddress, target.baseAddress, Int32(bytes.count), bound))
        }
    }

    /// Writes whole frames; keeps its tables from one frame to the next.
    ///
    /// Not for two threads at once.
    final class Encoder {
        private let context: OpaquePointer

        init() {
            var created: OpaquePointer?
            let status = LZ4F_createCompressionContext(&created, UInt32(LZ4F_VERSION))
            guard LZ4F_isError(status) == 0, let created else { fatalError("out of memory") }
            context = created
        }

        deinit {
            LZ4F_freeCompressionContext(context)
        }

        /// The most bytes that a frame of `byteCount` bytes can take.
        static func bound(_ byteCount: Int) -> Int {
            var preferences = preferences(level: maxLevel)
            return LZ4F_compressBound(byteCount, &preferences) + Int(LZ4F_HEADER_SIZE_MAX)
        }

        /// Writes one frame of `plaintext` to `target`, which has at least `bound` bytes; returns its length.
        func encode(
            _ plaintext: UnsafeRawBufferPointer,
            level: Int,
            into target: UnsafeMutableRawBufferPointer
        ) -> Int {
            var preferences = Self.preferences(level: level)
            var count = 0
            func advance(_ step: (UnsafeMutableRawPointer, Int) -> Int) {
                let rest = UnsafeMutableRawBufferPointer(rebasing: target[count...])
                let written = step(rest.baseAddress.unsafelyUnwrapped, rest.count)
                precondition(LZ4F_isError(written) == 0, "LZ4 frame does not fit its bound")
                count += written
            }
            advance { LZ4F_compressBegin(context, $0, $1, &preferences) }
            if plaintext.count > 0 {
                var options = LZ4F_compressOptions_t()
                options.stableSrc = 1
                advance {
                    LZ4F_compressUpdate(context, $0, $1, plaintext.baseAddress, plaintext.count, &options)
                }
            }
            advance { LZ4F_compressEnd(context, $0, $1, nil) }
            return count
        }

        private static func preferences(level: Int) -> LZ4F_preferences_t {
            var preferences = LZ4F_preferences_t()
            preferences.frameInfo.blockSizeID = LZ4F_max64KB
            preferences.frameInfo.blockMode = LZ4F_blockLinked
            preferences.compressionLevel = Int32(clamping: level)
            preferences.autoFlush = 1
            return preferences
        }
    }

    /// Reads frames piece by piece into one buffer that must stay where it is.
    ///
    /// Not for two threads at once.
    final class Decoder {
        private let context: OpaquePointer

        init() {
            var created: OpaquePointer?
            let status = LZ4F_createDecompressionContext(&created, UInt32(LZ4F_VERSION))
            guard LZ4F_isError(status) == 0, let created else { fatalError("out of memory") }
            context = created
        }

        deinit {
            LZ4F_freeDecompressionContext(context)
        }

        /// Forgets a frame that was not read to its end.
        func reset() {
            LZ4F_resetDecompressionContext(context)
        }

        /// What one piece gave.
        struct Progress {
            /// How many bytes of the piece belong to the frame.
            var consumed: Int
            /// How many bytes were written.
            var produced: Int
            /// Whether the end mark was read.
            var isAtEnd: Bool
        }

        /// Decodes `piece` to the start of `target`.
        ///
        /// `target` is the rest of one buffer that holds all that was decoded so far right before it.
        /// - Throws: when the frame is malformed or gives more than `target` takes.
        func decode(
            _ piece: UnsafeRawBufferPointer,
            into target: UnsafeMutableRawBufferPointer
        ) throws(FormatError) -> Progress {
            var progress = Progress(consumed: 0, produced: 0, isAtEnd: false)
            var options = LZ4F_decompressOptions_t()
            options.stableDst = 1
            while true {
                var consumed = piece.count - progress.consumed
                var produced = target.count - progress.produced
                let hint = LZ4F_decompress(
                    context,
                    target.baseAddress.unsafelyUnwrapped + progress.produced,
                    &produced,
                    piece.baseAddress.unsafelyUnwrapped + progress.consumed,
                    &consumed,
                    &options
                )
                guard LZ4F_isError(hint) == 0 else { throw FormatError("malformed LZ4 frame") }
                progress.consumed += consumed
                progress.produced += produced
                if hint == 0 {
                    progress.isAtEnd = true
                    return progress
                }
                if progress.consumed == piece.count, produced == 0 || progress.produced < target.count {
                    return progress
                }
                // A full target is no fault yet: the end mark may be all that is left, here or in the next piece.
                if consumed == 0, produced == 0 { throw FormatError.tooLarge }
            }
        }
    }
}
