@testable internal import Core

/// Objects, and what is in them.
enum Blobs {
    nonisolated(unsafe) private static let decoder = BlobDecoder()
    /// The largest plaintext; so small that memory shows what an input does not justify.
    private static let limit = 1 << 20

    /// An object as it is stored.
    static func fuzzObject(_ input: [UInt8]) {
        input.withRawBytes { bytes in
            switch Keys.master.dataPublic {
            case .none: fatalError("the master key cannot write")
            case .some(let open):
                switch Keys.master.dataSecret {
                case .none: fatalError("the master key cannot read")
                case .some(let secret):
                    _ = try? decoder.decode(bytes, dataPublic: open, dataSecret: secret, limit: limit)
                }
            }
        }
    }

    /// What is in the messages of an object, encrypted here: LZ4 frame and padding.
    static func fuzzStream(_ input: [UInt8]) {
        let key = SecretKey { $0.copyBytes(from: 0..<32) }
        let pieces = BlobLayout.pieceCount(input.count)
        let count = BlobLayout.introByteCount + input.count + pieces * Sodium.Stream.overhead
        var object = [UInt8](repeating: 0, count: count)
        object.withUnsafeMutableBytes { target in
            input.withRawBytes { bytes in
                let header = UnsafeRawBufferPointer(
                    rebasing: UnsafeRawBufferPointer(target)[BlobLayout.header]
                )
                var stream = key.withBytes { Sodium.Stream(key: $0, header: header) }
                var from = 0
                var to = BlobLayout.introByteCount
                for index in 0..<pieces {
                    let end = min(from + BlobLayout.pieceByteCount, bytes.count)
                    let length = end - from + Sodium.Stream.overhead
                    stream.push(
                        UnsafeRawBufferPointer(rebasing: bytes[from..<end]),
                        isFinal: index == pieces - 1,
                        into: UnsafeMutableRawBufferPointer(rebasing: target[to..<to + length])
                    )
                    from = end
                    to += length
                }
            }
            _ = try? decoder.decodeMessages(of: UnsafeRawBufferPointer(target), streamKey: key, limit: limit)
        }
    }

    /// The first byte chooses the revision.
    static func fuzzDirectory(_ input: [UInt8]) {
        let types: [BlobType] = [.directory, .directory3]
        guard let blob = blob(input, of: types), let folder = try? DirectoryBlob(blob) else { return }
        precondition(folder.count <= input.count / 90)
        for index in 0..<folder.count {
            let entry = folder.entry(at: index)
            precondition(EntryName.isValid(entry.name) && folder.index(of: entry.name) == index)
            _ = try? ExtendedAttributes.parse(entry.extended)
        }
    }

    static func fuzzSnapshot(_ input: [UInt8]) {
        let types: [BlobType] = [.snapshot, .snapshot5, .snapshot4]
        guard let blob = blob(input, of: types), let snapshot = try? SnapshotBlob(blob) else { return }
        precondition(snapshot.roots.count <= input.count / 90)
        for root in snapshot.roots { precondition(RootPath.isValid(root.name)) }
        _ = snapshot.time.timespec
        _ = RootTree(snapshot, uid: 0, gid: 0)
    }

    private static func blob(_ input: [UInt8], of types: [BlobType]) -> Blob? {
        guard let first = input.first else { return nil }
        return Blob(type: types[Int(first) % types.count], bytes: ByteBuffer(input.dropFirst()))
    }

    static func fuzzFileTable(_ input: [UInt8]) {
        guard let table = try? FileTable(ByteBuffer(input)) else { return }
        precondition(table.size >= 0)
        for index in 0..<table.count {
            let chunk = table.chunk(at: index)
            precondition(chunk.byteCount >= 0 && chunk.offset >= 0 && chunk.end <= table.size)
            if chunk.byteCount > 0 { precondition(table.index(containing: chunk.offset) == index) }
        }
        precondition(table.index(containing: table.size) == nil)
    }

    /// A row of the cache, which somebody may have altered.
    static func fuzzRecord(_ input: [UInt8]) {
        guard let record = try? FolderRecord(input) else { return }
        var cursor = record.cursor()
        _ = cursor.find(Array("a".utf8))
        _ = cursor.find(Array("notes.txt".utf8))
        _ = cursor.find([0xFF])
    }
}
