/// Holds the entries of one folder while it is being saved, in the order in which they were appended.
///
/// Each takes 128 bytes and its name; nothing is allocated for it alone.
struct SavedEntries: Sendable {
    private struct TextLength {
        let name: UInt16
        let extended: UInt16
    }

    private var rows: ContiguousArray<SavedEntry> = []
    private var lengths: ContiguousArray<TextLength> = []
    /// The name and the extended attributes of each entry, one after the other.
    private var text: [UInt8] = []
    /// The extended attributes of what took the place of an entry since it was appended, by index.
    private var attributesOfOthers: [Int: [UInt8]] = [:]
    /// Where the cache keeps those entries that the user named, by index.
    private(set) var operandKeys: [Int: LocalCache.FolderKey] = [:]
    /// How many entries are not as the folder's stored object shows them; of those that are settled.
    private(set) var changedCount = 0
    /// The sums over all settled entries and what is below them.
    private(set) var totals = SaveTotals()
    /// How many of the settled entries are folders.
    private(set) var subfolderCount: Int64 = 0

    init() {}

    /// Makes room, since growing step by step would take up to three times as much.
    init(expecting names: DirectoryNames) {
        rows.reserveCapacity(names.count)
        lengths.reserveCapacity(names.count)
        text.reserveCapacity(names.byteCount)
    }

    /// How many there are, those that are left out included.
    var count: Int { rows.count }

    /// Adds an entry and returns its index; `settle` must follow.
    ///
    /// Name and extended attributes must each be shorter than 65,536 bytes.
    mutating func append(
        _ entry: SavedEntry,
        name: [UInt8],
        extended: [UInt8],
        operandKey: LocalCache.FolderKey?
    ) -> Int {
        rows.append(entry)
        lengths.append(TextLength(name: UInt16(name.count), extended: UInt16(extended.count)))
        text.append(contentsOf: name)
        text.append(contentsOf: extended)
        if let operandKey { operandKeys[count - 1] = operandKey }
        return count - 1
    }

    /// Changes an entry that is not settled.
    mutating func update(_ index: Int, _ change: (inout SavedEntry) -> Void) {
        change(&rows[index])
    }

    /// Exchanges the extended attributes of an entry for those of what took its place.
    mutating func replaceAttributes(_ index: Int, _ extended: [UInt8]) {
        attributesOfOthers[index] = extended
    }

    /// Notes that an entry will not change any more, and what is below it.
    mutating func settle(_ index: Int, below: SaveTotals = SaveTotals()) {
        let entry = rows[index]
        if entry.isLeftOut || !entry.isUnchanged { changedCount += 1 }
        if entry.isLeftOut { return }
        totals += entry.totals
        totals += below
        if entry.kind == .directory, entry.flags.contains(.stated) { subfolderCount += 1 }
    }

    /// Calls `body` with each entry that is not left out, its index, name and extended attributes.
    func forEach<E: Error>(
        _ body: (SavedEntry, Int, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try text.withRawBytes { (text) throws(E) in
            var rest = text[...]
            func take(_ count: UInt16) -> UnsafeRawBufferPointer {
                defer { rest = rest.dropFirst(Int(count)) }
                return UnsafeRawBufferPointer(rebasing: rest.prefix(Int(count)))
            }
            for index in rows.indices {
                let (name, extended) = (take(lengths[index].name), take(lengths[index].extended))
                if rows[index].isLeftOut { continue }
                if let others = attributesOfOthers[index] {
                    try others.withRawBytes { (others) throws(E) in try body(rows[index], index, name, others)
                    }
                } else {
                    try body(rows[index], index, name, extended)
                }
            }
        }
    }

    // MARK: - Other forms

    /// The plaintext of the folder's object.
    var encoded: [UInt8] {
        let byteCount = DirectoryBlob.headerByteCount + count * StoredEntry.fixedByteCount + text.count
        var writer = ByteWriter(capacity: byteCount)
        DirectoryBlob.encodeHeader(size: totals.size, entries: totals.entries, into: &writer)
        forEach { entry, _, name, extended in
            entry.attributes.encode(name: name, extended: extended, into: &writer)
        }
        return writer.bytes
    }

    /// The entries of a snapshot.
    var roots: [Entry] {
        var roots: [Entry] = []
        forEach { entry, _, name, extended in
            roots.append(Entry(entry.attributes, name: Array(name), extended: Array(extended)))
        }
        return roots
    }

    /// Remembers those entries that can be; with all of them, the folder's object as well.
    ///
    /// - Parameter isMeant: Whether the entry at an index is to be in the record.
    func record(
        of folder: LocalCache.FolderKey,
        _ circumstances: FolderRecord.Circumstances,
        hash: Hash32,
        stored: Int64,
        where isMeant: (Int) -> Bool = { _ in true }
    ) -> LocalCache.NewRecord {
        var builder = FolderRecord.Builder(
            circumstances,
            isComplete: hash != .zero && rows.allSatisfy { $0.isLeftOut || $0.isRemembered },
            hash: hash,
            stored: stored
        )
        forEach { entry, index, name, extended in
            if entry.isRemembered, isMeant(index) {
                builder.append(name, entry.remembered, extended: extended)
            }
        }
        return LocalCache.NewRecord(folder: folder, parts: builder.finish())
    }
}
