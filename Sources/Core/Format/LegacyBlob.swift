/// Brings folders and snapshots of earlier revisions into the current layout.
///
/// Only the well-defined ones are read: Directory3, Snapshot4 and Snapshot5.
/// - Source: rekkord-format(5), "Old types".
enum LegacyBlob {
    /// Entries of that time had two bytes each for flags and kind.
    private static let oldEntryByteCount = 92
    /// Size and number of entries before the first entry.
    private static let directoryHeaderByteCount = 16
    /// Time, size, stored: what precedes the channel in an old snapshot.
    private static let oldNumbersByteCount = 24
    private static let oldSnapshotHeaderByteCount = oldNumbersByteCount + SnapshotBlob.channelByteCount

    /// The plaintext of a folder in the current layout, the same buffer when it has it already.
    static func currentDirectory(_ blob: Blob) throws(FormatError) -> ByteBuffer {
        switch blob.type {
        case .directory: return blob.bytes
        case .directory3:
            guard blob.bytes.count > 0 else { return blob.bytes }
            return try rewrite(blob.bytes) { (reader, writer) throws(FormatError) in
                try copyLevel(&reader, &writer)
            }
        case .directory1: throw FormatError("directory version 1 is not supported")
        case .directory2: throw FormatError("directory version 2 is not supported")
        case .chunk, .file, .link, .snapshot1, .snapshot2, .snapshot3, .snapshot4, .snapshot5, .snapshot:
            throw FormatError("not a folder but a \(blob.type.noun)")
        }
    }

    /// The plaintext of a snapshot in the current layout, the same buffer when it has it already.
    static func currentSnapshot(_ blob: Blob) throws(FormatError) -> ByteBuffer {
        switch blob.type {
        case .snapshot: return blob.bytes
        case .snapshot5:
            return try rewrite(blob.bytes) { (reader, writer) throws(FormatError) in
                try copySnapshotHeader(&reader, &writer)
                writer.append(try reader.bytes(reader.remaining))
            }
        case .snapshot4:
            return try rewrite(blob.bytes) { (reader, writer) throws(FormatError) in
                try copySnapshotHeader(&reader, &writer)
                try copyLevel(&reader, &writer)
            }
        case .snapshot1: throw FormatError("snapshot version 1 is not supported")
        case .snapshot2: throw FormatError("snapshot version 2 is not supported")
        case .snapshot3: throw FormatError("snapshot version 3 is not supported")
        case .chunk, .file, .link, .directory1, .directory2, .directory3, .directory:
            throw FormatError("not a snapshot but a \(blob.type.noun)")
        }
    }

    private static func rewrite(
        _ bytes: ByteBuffer,
        _ body: (inout ByteReader, inout ByteWriter) throws(FormatError) -> Void
    ) throws(FormatError) -> ByteBuffer {
        var writer = ByteWriter(capacity: bytes.count + 8)
        try bytes.withBytes { (bytes) throws(FormatError) in
            var reader = ByteReader(bytes)
            try body(&reader, &writer)
        }
        return ByteBuffer(writer.bytes)
    }

    /// Inserts what was not counted then: the bytes that a save added.
    private static func copySnapshotHeader(
        _ reader: inout ByteReader,
        _ writer: inout ByteWriter
    ) throws(FormatError) {
        writer.append(try reader.bytes(oldNumbersByteCount))
        writer.integer(Int64(0))
        writer.append(try reader.bytes(SnapshotBlob.channelByteCount))
    }

    /// Copies the header of a level as it is and its entries without the high bytes of flags and kind.
    private static func copyLevel(
        _ reader: inout ByteReader,
        _ writer: inout ByteWriter
    ) throws(FormatError) {
        writer.append(try reader.bytes(directoryHeaderByteCount))
        while reader.remaining > 0 {
            writer.hash(try reader.hash())
            writer.integer(UInt8(truncatingIfNeeded: try reader.integer(UInt16.self)))
            writer.integer(UInt8(truncatingIfNeeded: try reader.integer(UInt16.self)))
            let nameByteCount = try reader.integer(UInt16.self)
            let extendedByteCount = try reader.integer(UInt16.self)
            writer.integer(nameByteCount)
            writer.integer(extendedByteCount)
            let timesAndOwnerByteCount = oldEntryByteCount - Hash32.byteCount - 8
            writer.append(try reader.bytes(timesAndOwnerByteCount))
            writer.append(try reader.bytes(Int(nameByteCount) + Int(extendedByteCount)))
        }
    }
}
