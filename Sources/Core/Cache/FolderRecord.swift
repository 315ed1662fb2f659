/// Remembers what a folder held when it was saved, so that what did not change is not read again.
///
/// ```
/// first part: version u8 | splitter u8 | metadata u8 | complete u8 | hash[32] | stored i64 | count u32 | entries
/// others:     hash[32] | entries
/// entry: kind i8 | flags u8 | name length u16 | extended length u16 | mtime i64 u32 | ctime i64 u32 | inode u64
///        mode u32 | size u64 | atime i64 | hash[32] | stored i64 | name | extended
/// ```
///
/// Entries are in the order of name bytes, and none is divided. A record of more than `partByteCount` has several
/// parts, which are read one by one, so that a large folder takes no memory; a part that does not belong to the first,
/// since another process replaced some, ends the record. It is private to this program and may be lost at any time.
struct FolderRecord: Sendable {
    /// How the folder was saved: what was saved otherwise is no help, or not all of it.
    struct Circumstances: Hashable, Sendable {
        /// Which splitter cut the files.
        var splitter: UInt8
        /// Which optional metadata the folder's object holds.
        var metadata: UInt8
    }

    /// What is remembered of one entry.
    struct Entry: Hashable, Sendable {
        var kind: EntryKind
        var flags: EntryFlags
        var modification: FileStatus.Time
        var change: FileStatus.Time
        var inode: UInt64
        /// Type and permission bits.
        var mode: UInt32
        var size: UInt64
        /// Zero unless the folder's object holds access times.
        var access: Timestamp
        /// The blob with the content.
        var hash: Hash32
        /// The encrypted bytes of a file's blobs.
        var stored: Int64
        var extended: [UInt8]

        /// Whether `status` is that of the file remembered here, unchanged as far as the kernel tells.
        func isSame(as status: FileStatus) -> Bool {
            modification == status.modification && change == status.change && inode == status.inode
                && mode == status.mode && size == status.size
        }
    }

    private static let version: UInt8 = 1

    let circumstances: Circumstances
    /// Whether each entry of the folder's object is in here; only then can the object be used again.
    let isComplete: Bool
    /// The folder's own blob.
    let hash: Hash32
    /// The encrypted bytes of the folder's own blob.
    let stored: Int64
    /// How many entries there are.
    let count: Int
    /// The head and the first entries.
    let firstPart: [UInt8]
    /// Fetches another part by its number, which counts from 1.
    let part: @Sendable (Int) -> [UInt8]?

    static let headerByteCount = 4 + Hash32.byteCount + 8 + 4
    /// What is between the length of the extended attributes and the name.
    static let fieldsByteCount = 2 * (8 + 4) + 8 + 4 + 8 + 8 + Hash32.byteCount + 8
    /// A part ends with the entry that makes it this long.
    static let partByteCount = 1 << 18

    /// Reads the head of a record; entries are decoded as they are asked for.
    ///
    /// - Parameters:
    ///   - bytes: The first part.
    ///   - part: Fetches another part by its number, which counts from 1.
    init(
        _ bytes: [UInt8],
        part: @escaping @Sendable (Int) -> [UInt8]? = { _ in nil }
    ) throws(FormatError) {
        firstPart = bytes
        self.part = part
        let head = try bytes.withRawBytes { (bytes) throws(FormatError) in
            var reader = ByteReader(bytes)
            guard try reader.integer(UInt8.self) == Self.version else { throw FormatError("unknown record") }
            return (
                circumstances: Circumstances(splitter: try reader.integer(), metadata: try reader.integer()),
                isComplete: try reader.integer(UInt8.self) != 0,
                hash: try reader.hash(),
                stored: try reader.integer(Int64.self),
                count: Int(try reader.integer(UInt32.self))
            )
        }
        (circumstances, isComplete, hash, stored, count) = head
    }

    /// Starts before the first entry.
    func cursor() -> Cursor { Cursor(self) }

    /// Puts a record together, entry by entry.
    struct Builder {
        private var parts: [ByteWriter] = []
        /// The part that grows.
        private var writer: ByteWriter
        private let hash: Hash32
        private var count: UInt32 = 0

        private static let countOffset = FolderRecord.headerByteCount - 4

        init(_ circumstances: Circumstances, isComplete: Bool, hash: Hash32, stored: Int64) {
            self.hash = hash
            writer = ByteWriter(capacity: 1024)
            writer.integer(FolderRecord.version)
            writer.integer(circumstances.splitter)
            writer.integer(circumstances.metadata)
            writer.integer(UInt8(isComplete ? 1 : 0))
            writer.hash(hash)
            writer.integer(stored)
            writer.integer(count)
        }

        /// Appends an entry; its name comes after the one before in the order of bytes.
        mutating func append(
            _ name: UnsafeRawBufferPointer,
            _ entry: Entry,
            extended: UnsafeRawBufferPointer
        ) {
            if writer.bytes.count >= FolderRecord.partByteCount { startPart() }
            count += 1
            writer.integer(entry.kind.rawValue)
            writer.integer(entry.flags.rawValue)
            writer.integer(UInt16(name.count))
            writer.integer(UInt16(extended.count))
            for time in [entry.modification, entry.change] {
                writer.integer(time.seconds)
                writer.integer(time.nanoseconds)
            }
            writer.integer(entry.inode)
            writer.integer(entry.mode)
            writer.integer(entry.size)
            writer.integer(entry.access.milliseconds)
            writer.hash(entry.hash)
            writer.integer(entry.stored)
            writer.append(name)
            writer.append(extended)
        }

        private mutating func startPart() {
            parts.append(writer)
            writer = ByteWriter(capacity: FolderRecord.partByteCount + 1024)
            writer.hash(hash)
        }

        /// The record, at least one part.
        consuming func finish() -> [[UInt8]] {
            parts.append(writer)
            writer = ByteWriter()
            parts[0].replace(at: Self.countOffset, count)
            return parts.map(\.bytes)
        }
    }
}
