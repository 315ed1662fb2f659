/// Indexes the entries of one folder over its plaintext, without copying them.
///
/// Memory is the plaintext itself, four bytes per visible entry and, only where the stored names are not in
/// ascending byte order, a hash table of 6…12 further bytes per entry. Looking up a name is a binary search in
/// the first case and a probe of the table in the second; neither allocates.
///
/// ```
/// plaintext  | size i64 | entries i64 | entry | entry | …          (`StoredEntry`)
/// offsets                               ^0      ^1     …           UInt32 each, hidden entries left out
/// slots      | 0 | 2 | 0 | 1 | …                                   1 + index, 0 = free; linear probing
/// ```
///
/// A blob is hostile input. Broken structure refuses the whole folder. An entry whose name is bad or longer than
/// 255 bytes, or repeats an earlier one, is only not visible: every other entry keeps its stored place.
/// Both header fields are informational, and may be absurd.
/// - Source: rekkord-format(5), "DIRECTORIES"; rekkord(1), "mount".
public final class DirectoryBlob: Sendable {
    /// The part before the first entry.
    public static let headerByteCount = 16

    /// The bytes of all files below, as the writer counted them.
    public let totalSize: Int64
    /// The entries below, as the writer counted them.
    public let totalEntries: Int64
    /// How many stored entries are not visible because of their names.
    public let hiddenNameCount: Int
    /// Whether any visible entry has extended attributes.
    public let hasExtendedAttributes: Bool
    /// Which kinds of them occur.
    let systemAttributes: SystemAttributes
    /// How many visible entries are devices, pipes or sockets.
    public let specialCount: Int

    private let bytes: ByteBuffer
    private let offsets: [UInt32]
    /// Empty when the names are sorted; else a power of two of slots, at most two thirds of them taken.
    private let slots: [UInt32]

    /// Checks and indexes a folder of the current or a supported earlier revision.
    ///
    /// - Throws: When the blob is no folder or is malformed, and for the 0 bytes that stand for a folder that
    ///   could not be listed.
    public init(_ blob: Blob) throws(FormatError) {
        let bytes = try LegacyBlob.currentDirectory(blob)
        guard bytes.count > 0 else { throw FormatError("contents were not available when it was saved") }
        guard bytes.count <= UInt32.max else { throw FormatError("folder is too large") }
        var level = EntryScan()
        let header = try bytes.withBytes { (bytes) throws(FormatError) in
            var reader = ByteReader(bytes)
            guard reader.remaining >= Self.headerByteCount else { throw FormatError("malformed folder") }
            let header = (size: try reader.integer(Int64.self), entries: try reader.integer(Int64.self))
            try level.scan(bytes, from: reader.offset) { EntryName.isValid($0) }
            return header
        }
        (totalSize, totalEntries) = header
        hiddenNameCount = level.hiddenNameCount
        hasExtendedAttributes = level.hasExtended
        systemAttributes = level.systemAttributes
        specialCount = level.specialCount
        self.bytes = bytes
        offsets = level.offsets
        slots = level.slots
    }

    /// How many entries are visible.
    public var count: Int { offsets.count }

    /// The memory that this folder occupies.
    public var memoryByteCount: Int {
        bytes.allocatedByteCount + (offsets.capacity + slots.capacity) * MemoryLayout<UInt32>.size + 256
    }

    /// The entry at `index` in stored order, copied.
    ///
    /// - Parameter index: 0..<`count`, as everywhere below.
    public func entry(at index: Int) -> Entry { withEntry(at: index) { $0.entry } }

    /// The entry without its name and extended attributes; copies nothing but integers.
    public func attributes(at index: Int) -> EntryAttributes { withEntry(at: index) { $0.attributes } }

    /// What the entry stands for.
    public func kind(at index: Int) -> EntryKind { withEntry(at: index) { $0.kind } }

    /// What is known of the entry.
    public func flags(at index: Int) -> EntryFlags { withEntry(at: index) { $0.flags } }

    /// The blob with the content, to be followed only when the entry is readable.
    public func hash(at index: Int) -> Hash32 { withEntry(at: index) { $0.hash } }

    /// The stored size, which is not to be trusted.
    public func size(at index: Int) -> Int64 { withEntry(at: index) { $0.size } }

    /// Whether the entry has extended attributes.
    public func hasExtended(at index: Int) -> Bool { withEntry(at: index) { $0.hasExtended } }

    /// A copy of the name.
    public func name(at index: Int) -> [UInt8] { withEntry(at: index) { Array($0.name) } }

    /// A copy of the encoded extended attributes.
    public func extended(at index: Int) -> [UInt8] { withEntry(at: index) { Array($0.extended) } }

    /// Calls `body` with the name, which must not escape from it.
    @inline(__always)
    public func withName<R, E: Error>(
        at index: Int,
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withEntry(at: index) { (entry) throws(E) in try body(entry.name) }
    }

    /// Finds the visible entry with exactly this name.
    public func index(of name: UnsafeRawBufferPointer) -> Int? {
        bytes.withBytes { bytes in
            slots.isEmpty
                ? NameSearch.sorted(name, in: bytes, offsets)
                : NameSearch.hashed(name, in: bytes, offsets, slots)
        }
    }

    /// Finds the visible entry with exactly this name.
    public func index(of name: [UInt8]) -> Int? {
        name.withRawBytes { index(of: $0) }
    }

    /// Finds the visible entry that is the same byte for byte as the one at `index` of another folder.
    ///
    /// - Parameter guess: Where it is likely to be.
    func index(ofSame index: Int, in other: DirectoryBlob, near guess: Int) -> Int? {
        other.withEntry(at: index) { entry in
            if guess < count, withEntry(at: guess, { $0.hasSameBytes(as: entry) }) { return guess }
            guard let index = self.index(of: entry.name) else { return nil }
            return withEntry(at: index) { $0.hasSameBytes(as: entry) } ? index : nil
        }
    }

    @inline(__always)
    private func withEntry<R, E: Error>(at index: Int, _ body: (StoredEntry) throws(E) -> R) throws(E) -> R {
        try bytes.withBytes { (bytes) throws(E) in
            try body(StoredEntry(checked: bytes, at: Int(offsets[index])))
        }
    }
}

extension DirectoryBlob {
    /// Encodes a folder.
    ///
    /// - Parameters:
    ///   - size: The bytes of all files stored below, recursively.
    ///   - entries: The number of files, links and folders below that were stat'ed, recursively.
    ///   - children: In the order to be stored; sorted by name bytes, equal folders become equal blobs.
    public static func encode(size: Int64, entries: Int64, children: [Entry]) -> [UInt8] {
        let byteCount = children.reduce(headerByteCount) { $0 + $1.encodedByteCount }
        var writer = ByteWriter(capacity: byteCount)
        encodeHeader(size: size, entries: entries, into: &writer)
        for child in children { child.encode(into: &writer) }
        return writer.bytes
    }

    /// Appends what comes before the first entry.
    static func encodeHeader(size: Int64, entries: Int64, into writer: inout ByteWriter) {
        writer.integer(size)
        writer.integer(entries)
    }
}
