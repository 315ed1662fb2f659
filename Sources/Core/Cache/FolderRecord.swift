/// Remembers what a folder held when it was saved, so that what did not change is not read again.
///
/// ```
/// version u8 | splitter u8 | metadata u8 | complete u8 | hash[32] | stored i64 | count u32 | entries
/// entry: kind i8 | flags u8 | name length u16 | extended length u16 | mtime i64 u32 | ctime i64 u32 | inode u64
///        mode u32 | size u64 | atime i64 | hash[32] | stored i64 | name | extended
/// ```
///
/// Entries are in the order of name bytes. The record is private to this program and may be lost at any time.
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
    private let bytes: [UInt8]

    private static let headerByteCount = 4 + Hash32.byteCount + 8 + 4

    /// Reads the head of a record; entries are decoded as they are asked for.
    init(_ bytes: [UInt8]) throws(FormatError) {
        self.bytes = bytes
        var reader = Reader(bytes, at: 0)
        guard try reader.integer(UInt8.self) == Self.version else { throw FormatError("unknown record") }
        circumstances = Circumstances(splitter: try reader.integer(), metadata: try reader.integer())
        isComplete = try reader.integer(UInt8.self) != 0
        hash = try reader.hash()
        stored = try reader.integer()
        count = Int(try reader.integer(UInt32.self))
    }

    /// Goes through the entries of a record in step with the names found in the folder.
    struct Cursor {
        private let bytes: [UInt8]
        private var offset = FolderRecord.headerByteCount
        private var next: (name: [UInt8], entry: Entry)?
        /// How many entries were asked for and found.
        private(set) var foundCount = 0

        fileprivate init(_ bytes: [UInt8]) {
            self.bytes = bytes
            advance()
        }

        /// The entry with this name; names must be asked for in the order of their bytes.
        mutating func find(_ name: [UInt8]) -> Entry? {
            while let candidate = next {
                if candidate.name == name {
                    advance()
                    foundCount += 1
                    return candidate.entry
                }
                guard candidate.name.lexicographicallyPrecedes(name) else { return nil }
                advance()
            }
            return nil
        }

        private mutating func advance() {
            next = nil
            guard offset < bytes.count else { return }
            var reader = Reader(bytes, at: offset)
            // A damaged record is as good as one that ends here.
            next = try? FolderRecord.entry(&reader)
            offset = reader.offset
        }
    }

    /// Starts before the first entry.
    func cursor() -> Cursor { Cursor(bytes) }

    private static func entry(_ reader: inout Reader) throws(FormatError) -> (name: [UInt8], entry: Entry) {
        guard let kind = EntryKind(rawValue: try reader.integer()) else { throw FormatError("unknown kind") }
        let flags = EntryFlags(rawValue: try reader.integer())
        let nameCount = Int(try reader.integer(UInt16.self))
        let extendedCount = Int(try reader.integer(UInt16.self))
        let entry = Entry(
            kind: kind,
            flags: flags,
            modification: try reader.time(),
            change: try reader.time(),
            inode: try reader.integer(),
            mode: try reader.integer(),
            size: try reader.integer(),
            access: Timestamp(milliseconds: try reader.integer()),
            hash: try reader.hash(),
            stored: try reader.integer(),
            extended: []
        )
        let name = try reader.bytes(nameCount)
        guard extendedCount > 0 else { return (name, entry) }
        var full = entry
        full.extended = try reader.bytes(extendedCount)
        return (name, full)
    }

    /// Puts a record together, entry by entry.
    struct Builder {
        private var writer: ByteWriter
        private var count: UInt32 = 0

        private static let countOffset = FolderRecord.headerByteCount - 4

        init(_ circumstances: Circumstances, isComplete: Bool, hash: Hash32, stored: Int64) {
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
        mutating func append(_ name: [UInt8], _ entry: Entry) {
            count += 1
            writer.integer(entry.kind.rawValue)
            writer.integer(entry.flags.rawValue)
            writer.integer(UInt16(name.count))
            writer.integer(UInt16(entry.extended.count))
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
            writer.append(entry.extended)
        }

        /// The record.
        consuming func finish() -> [UInt8] {
            writer.replace(at: Self.countOffset, count)
            return writer.bytes
        }
    }

    /// A `ByteReader` over an array that is kept alive by its owner.
    private struct Reader {
        let source: [UInt8]
        var offset: Int

        init(_ source: [UInt8], at offset: Int) {
            self.source = source
            self.offset = offset
        }

        mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(FormatError) -> T {
            try read { (reader) throws(FormatError) in try reader.integer(T.self) }
        }

        mutating func hash() throws(FormatError) -> Hash32 {
            try read { (reader) throws(FormatError) in try reader.hash() }
        }

        mutating func bytes(_ count: Int) throws(FormatError) -> [UInt8] {
            try read { (reader) throws(FormatError) in Array(try reader.bytes(count)) }
        }

        mutating func time() throws(FormatError) -> FileStatus.Time {
            FileStatus.Time(seconds: try integer(), nanoseconds: try integer())
        }

        private mutating func read<T>(
            _ body: (inout ByteReader) throws(FormatError) -> T
        ) throws(FormatError) -> T {
            try source.withUnsafeBufferPointer { (buffer) throws(FormatError) in
                let bytes = UnsafeRawBufferPointer(buffer)
                guard offset <= bytes.count else { throw FormatError("cut off") }
                var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                let result = try body(&reader)
                offset += reader.offset
                return result
            }
        }
    }
}
