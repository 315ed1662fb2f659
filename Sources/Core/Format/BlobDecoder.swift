internal import Glibc

/// Makes plaintexts from stored objects: decrypt, decompress, check all that the object itself can prove.
///
/// Not for two threads at once. Plaintexts are made in a block of the `BufferPool`, which becomes the result where there
/// is much of it. So the size need not be known and nothing is copied. What does not fit there is made once more in
/// address space for the largest plaintext, where an LZ4 bomb ends at the limit.
/// - Source: rekkord-format(5), "Body".
final class BlobDecoder {
    /// The largest plaintext that is read, in bytes.
    static let maxPlaintextByteCount = 256 << 20

    private let decompressor = LZ4.Decoder()
    private let piece = UnsafeMutableRawBufferPointer.allocate(
        byteCount: BlobLayout.pieceByteCount,
        alignment: 64
    )
    /// At hand for small objects, whose plaintexts are copied out of it.
    private var spare: BufferPool.Block?

    deinit {
        piece.deallocate()
    }

    /// What an object holds.
    struct Result {
        let type: BlobType
        let plaintext: ByteBuffer
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

    /// Decrypts and decompresses what follows the intro.
    func decodeMessages(
        of object: UnsafeRawBufferPointer,
        streamKey: borrowing SecretKey,
        limit: Int
    ) throws(FormatError) -> ByteBuffer {
        var block = block(for: object.count)
        let count: Int
        do {
            let target = block.bytes.slice(0..<min(limit, BufferPool.blockByteCount))
            count = try decode(object, streamKey: streamKey, into: target)
        } catch {
            block.empty()
            guard error == .tooLarge, limit > BufferPool.blockByteCount else { throw error }
            return try decodeLarge(object, streamKey: streamKey, limit: limit)
        }
        if BufferPool.serves(count) { return ByteBuffer(block, count: count) }
        block.touch(count)
        let plaintext = ByteBuffer(block.bytes.slice(0..<count))
        spare = consume block
        return plaintext
    }

    private func block(for byteCount: Int) -> BufferPool.Block {
        guard !BufferPool.serves(byteCount), var block = spare.take() else {
            return BufferPool.shared.block(for: byteCount)
        }
        block.prepare(byteCount)
        return block
    }

    /// Decodes what fits into no block.
    private func decodeLarge(
        _ object: UnsafeRawBufferPointer,
        streamKey: borrowing SecretKey,
        limit: Int
    ) throws(FormatError) -> ByteBuffer {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let memory = mmap(nil, limit, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard memory != MAP_FAILED, let memory else { fatalError("out of address space") }
        defer { munmap(memory, limit) }
        let target = UnsafeMutableRawBufferPointer(start: memory, count: limit)
        let count = try decode(object, streamKey: streamKey, into: target)
        return ByteBuffer(target.slice(0..<count))
    }

    private func decode(
        _ object: UnsafeRawBufferPointer,
        streamKey: borrowing SecretKey,
        into target: UnsafeMutableRawBufferPointer
    ) throws(FormatError) -> Int {
        decompressor.reset()
        let header = UnsafeRawBufferPointer(rebasing: object[BlobLayout.header])
        var stream = streamKey.withBytes { Sodium.Stream(key: $0, header: header) }
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
                frameEnded = progress.isAtEnd
                padding = UnsafeRawBufferPointer(rebasing: padding[progress.consumed...])
            }
            guard padding.allSatisfy({ $0 == 0 }) else { throw FormatError("padding is not zero") }
            if tag == .final { break }
        }
        guard frameEnded else { throw FormatError("LZ4 frame without an end") }
        guard offset == object.count else { throw FormatError("bytes after the end") }
        return produced
    }
}
