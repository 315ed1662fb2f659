/// Makes stored objects from plaintexts: compress, pad, encrypt.
///
/// version 1 | type 1 | sealed stream key 80 | stream header 24 | messages of at most 32,768 + 17 bytes.
/// Holds working memory for one thread at a time.
/// - Source: rekkord-format(5), "Container" and "Body".
final class BlobEncoder {
    /// The random parts of one object.
    final class Randomness {
        let streamKey: SecretKey
        let header: [UInt8]
        let ephemeral: SecretKey

        init() {
            streamKey = .random()
            header = Sodium.random(Sodium.Stream.headerByteCount)
            ephemeral = .random()
        }

        /// Fixed values, for golden tests.
        init(streamKey: consuming SecretKey, header: [UInt8], ephemeral: consuming SecretKey) {
            self.streamKey = streamKey
            self.header = header
            self.ephemeral = ephemeral
        }
    }

    /// Beyond this the working memory is given back after use.
    private static let keptByteCount = 9 << 20

    private let compressor = LZ4.Encoder()
    private var frame = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 16)

    deinit {
        frame.deallocate()
    }

    /// Seals one blob for the owner of the data key.
    ///
    /// - Parameter isVerified: Whether to decrypt and decode the result again and compare (`TestWrites`).
    func encode(
        _ type: BlobType,
        _ plaintext: UnsafeRawBufferPointer,
        level: Int,
        to dataPublic: borrowing SecretKey,
        isVerified: Bool = false,
        _ randomness: Randomness = Randomness()
    ) throws(FormatError) -> ByteBuffer {
        let padded = compress(plaintext, level: level)
        defer { trim() }
        let pieces = BlobLayout.pieceCount(padded.count)
        let byteCount = BlobLayout.introByteCount + padded.count + pieces * Sodium.Stream.overhead
        let object = ByteBuffer(capacity: byteCount) { target in
            target[0] = BlobLayout.version
            target[1] = type.rawValue
            randomness.streamKey.withBytes {
                Sodium.seal(
                    $0,
                    to: dataPublic,
                    ephemeral: randomness.ephemeral,
                    into: target.slice(BlobLayout.sealedKey)
                )
            }
            target.slice(BlobLayout.header).copyBytes(from: randomness.header)
            randomness.streamKey.withBytes { key in
                randomness.header.withUnsafeBytes { header in
                    var stream = Sodium.Stream(key: key, header: header)
                    Self.encrypt(
                        padded,
                        with: &stream,
                        into: target.slice(BlobLayout.introByteCount..<byteCount)
                    )
                }
            }
            return byteCount
        }
        if isVerified { try verify(object, plaintext, randomness.streamKey) }
        return object
    }

    /// LZ4 frame and zeros up to its padded size.
    private func compress(_ plaintext: UnsafeRawBufferPointer, level: Int) -> UnsafeRawBufferPointer {
        let needed = Padding.padded(LZ4.Encoder.bound(plaintext.count))
        if frame.count < needed {
            frame.deallocate()
            frame = .allocate(byteCount: needed, alignment: 16)
        }
        let count = compressor.encode(plaintext, level: level, into: frame)
        let padded = Padding.padded(count)
        _ = frame.slice(count..<padded).initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeRawBufferPointer(frame.slice(0..<padded))
    }

    private func trim() {
        guard frame.count > Self.keptByteCount else { return }
        frame.deallocate()
        frame = .allocate(byteCount: 0, alignment: 16)
    }

    private static func encrypt(
        _ padded: UnsafeRawBufferPointer,
        with stream: inout Sodium.Stream,
        into target: UnsafeMutableRawBufferPointer
    ) {
        var written = 0
        for start in stride(from: 0, to: padded.count, by: BlobLayout.pieceByteCount) {
            let end = min(start + BlobLayout.pieceByteCount, padded.count)
            let message = written..<written + end - start + Sodium.Stream.overhead
            stream.push(
                UnsafeRawBufferPointer(rebasing: padded[start..<end]),
                isFinal: end == padded.count,
                into: target.slice(message)
            )
            written = message.upperBound
        }
    }

    private func verify(
        _ object: ByteBuffer,
        _ plaintext: UnsafeRawBufferPointer,
        _ streamKey: borrowing SecretKey
    ) throws(FormatError) {
        let decoder = BlobDecoder()
        let copy = try object.withBytes { (object) throws(FormatError) in
            try decoder.decodeMessages(of: object, streamKey: streamKey, limit: plaintext.count)
        }
        guard copy.withBytes({ $0.elementsEqual(plaintext) }) else {
            throw FormatError("the sealed blob does not decode to its content")
        }
    }
}

/// The offsets and sizes that encoder and decoder share.
///
/// - Source: rekkord-format(5), "Container" and "Body".
enum BlobLayout {
    static let version: UInt8 = 7
    static let sealedKey = 2..<82
    static let header = 82..<106
    static let introByteCount = 106
    /// Plaintext bytes in every message but the last.
    static let pieceByteCount = 32768

    /// The number of messages of a padded frame, which is never empty.
    static func pieceCount(_ paddedByteCount: Int) -> Int {
        (paddedByteCount + pieceByteCount - 1) / pieceByteCount
    }
}
