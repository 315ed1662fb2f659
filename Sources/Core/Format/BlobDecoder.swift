internal import Glibc

/// Makes plaintexts from stored objects: decrypt, decompress, check all that the object itself can prove.
///
/// Holds working memory for one thread at a time: address space for the largest plaintext, of which only what was
/// touched is occupied. So the size need not be known, nothing is moved while it grows, and an LZ4 bomb ends at the limit.
/// - Source: rekkord-format(5), "Body".
final class BlobDecoder {
    /// The largest plaintext that is read, in bytes.
    static let maxPlaintextByteCount = 256 << 20
    /// Beyond this the working memory is given back after use.
    private static let keptByteCount = 9 << 20

    private let decompressor = LZ4.Decoder()
    private let plaintext: UnsafeMutableRawBufferPointer
    private let piece = UnsafeMutableRawBufferPointer.allocate(
        byteCount: BlobLayout.pieceByteCount,
        alignment: 64
    )
    private var touched = 0

    init() {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let memory = mmap(nil, Self.maxPlaintextByteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard memory != MAP_FAILED, let memory else { fatalError("out of address space") }
        plaintext = UnsafeMutableRawBufferPointer(start: memory, count: Self.maxPlaintextByteCount)
    }

    deinit {
        munmap(plaintext.baseAddress, plaintext.count)
        piece.deallocate()
    }

    /// What an object holds.
    struct Result {
        let type: BlobType
        /// Valid until the decoder is used again.
        let plaintext: UnsafeRawBufferPointer
    }

    /// Opens one object.
    ///
    /// - Parameter limit: the largest plaintext that is accepted, in bytes.
    /// - Throws: what is wrong with the object. Its hash is the caller's to check.
    func decode(
        _ object: UnsafeRawBufferPointer,
        dataPublic: borrowing SecretKey,
        dataSecret: borrowing SecretKey,
        limit: Int = maxPlaintextByteCount
    ) throws(FormatError) -> Result {
        guard object.count >= BlobLayout.introByteCount else { throw FormatError("cut off", .decrypt) }
        guard object[0] == BlobLayout.version else {
            throw FormatError("blob version \(Int8(bitPattern: object[0])) is not supported")
        }
        guard let type = BlobType(rawValue: object[1]) else {
            throw FormatError("blob type \(Int8(bitPattern: object[1])) is not supported")
        }
        let sealed = UnsafeRawBufferPointer(rebasing: object[BlobLayout.sealedKey])
        let streamKey = try SecretKey { (key) throws(FormatError) in
            guard Sodium.unseal(sealed, publicKey: dataPublic, secretKey: dataSecret, into: key) else {
                throw FormatError("it does not decrypt", .decrypt)
            }
        }
        return Result(
            type: type,
            plaintext: try decodeMessages(of: object, streamKey: streamKey, limit: limit)
        )
    }

    /// Decrypts and decompresses what follows the intro; the result is valid until the decoder is used again.
    func decodeMessages(
        of object: UnsafeRawBufferPointer,
        streamKey: borrowing SecretKey,
        limit: Int
    ) throws(FormatError) -> UnsafeRawBufferPointer {
        releaseLargePlaintext()
        decompressor.reset()
        let header = UnsafeRawBufferPointer(rebasing: object[BlobLayout.header])
        var stream = streamKey.withBytes { Sodium.Stream(key: $0, header: header) }
        let target = plaintext.slice(0..<min(limit, plaintext.count))
        var offset = BlobLayout.introByteCount
        var produced = 0
        var frameEnded = false
        while true {
            let length = min(BlobLayout.pieceByteCount + Sodium.Stream.overhead, object.count - offset)
            guard length >= Sodium.Stream.overhead else { throw FormatError("cut off", .decrypt) }
            let message = UnsafeRawBufferPointer(rebasing: object[offset..<offset + length])
            let opened = piece.slice(0..<length - Sodium.Stream.overhead)
            guard let tag = stream.pull(message, into: opened) else {
                throw FormatError("it does not decrypt", .decrypt)
            }
            offset += length

            var padding = UnsafeRawBufferPointer(opened)
            if !frameEnded, opened.count > 0 {
                let progress = try decompressor.decode(padding, into: target.slice(produced..<target.count))
                produced += progress.produced
                touched = max(touched, produced)
                frameEnded = progress.isAtEnd
                padding = UnsafeRawBufferPointer(rebasing: padding[progress.consumed...])
            }
            guard padding.allSatisfy({ $0 == 0 }) else { throw FormatError("padding is not zero") }
            if tag == .final { break }
        }
        guard frameEnded else { throw FormatError("LZ4 frame without an end") }
        guard offset == object.count else { throw FormatError("bytes after the end") }
        return UnsafeRawBufferPointer(target.slice(0..<produced))
    }

    private func releaseLargePlaintext() {
        if touched > Self.keptByteCount { madvise(plaintext.baseAddress, plaintext.count, MADV_DONTNEED) }
        touched = 0
    }
}
