import Glibc

/// Finds the entries of a folder or snapshot in its plaintext and leaves out those whose names cannot be shown.
///
/// The result is what `DirectoryBlob` keeps: offsets in stored order and, for unsorted names, a hash table.
struct EntryScan {
    /// Where the visible entries start.
    private(set) var offsets: [UInt32] = []
    /// Empty when the names ascend strictly; else the table that `NameSearch.hashed` probes.
    private(set) var slots: [UInt32] = []
    private(set) var hiddenNameCount = 0
    /// Whether any visible entry has extended attributes.
    private(set) var hasExtended = false
    /// Which kinds of them occur.
    private(set) var systemAttributes: SystemAttributes = []
    /// How many visible entries are devices, pipes or sockets.
    private(set) var specialCount = 0

    /// Checks each entry from `start` to the end of `bytes`, which is at most 4 GiB long.
    ///
    /// - Throws: When the structure is broken. Bad and repeated names are only counted.
    mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        isVisible: (UnsafeRawBufferPointer) -> Bool
    ) throws(FormatError) {
        // Most entries have names of 10 to 40 bytes; a hostile blob gains nothing, for each entry costs it 90.
        offsets.reserveCapacity((bytes.count - start) / (StoredEntry.fixedByteCount + 24))
        var isSorted = true
        var previous = UnsafeRawBufferPointer(start: nil, count: 0)
        var offset = start
        while offset < bytes.count {
            let entry = try StoredEntry(in: bytes, at: offset)
            let name = entry.name
            if isVisible(name) {
                // No valid name is empty, so the first one is greater than no name at all.
                if isSorted, !NameSearch.precedes(previous, name) { isSorted = false }
                previous = name
                offsets.append(UInt32(offset))
                if entry.hasExtended { noteExtended(of: entry) }
                if entry.isSpecial { specialCount += 1 }
            } else {
                hiddenNameCount += 1
            }
            offset += entry.byteCount
        }
        if !isSorted { buildTable(bytes) }
    }

    private mutating func noteExtended(of entry: StoredEntry) {
        hasExtended = true
        guard systemAttributes != .all else { return }
        systemAttributes.formUnion(SystemAttributes(encoded: entry.extended))
    }

    /// Enters each name into a table of `slots`; an entry that finds its name there already is dropped.
    private mutating func buildTable(_ bytes: UnsafeRawBufferPointer) {
        var capacity = 8
        while capacity * 2 < offsets.count * 3 { capacity *= 2 }
        slots = Array(repeating: 0, count: capacity)
        var kept = 0
        for index in offsets.indices {
            let offset = offsets[index]
            let name = StoredEntry(checked: bytes, at: Int(offset)).name
            var slot = NameSearch.hash(name) & (capacity - 1)
            var isRepeated = false
            while slots[slot] != 0 {
                let other = StoredEntry(checked: bytes, at: Int(offsets[Int(slots[slot]) - 1])).name
                if NameSearch.isEqual(other, name) {
                    isRepeated = true
                    break
                }
                slot = (slot + 1) & (capacity - 1)
            }
            if isRepeated {
                hiddenNameCount += 1
            } else {
                offsets[kept] = offset
                kept += 1
                slots[slot] = UInt32(kept)
            }
        }
        guard kept < offsets.count else { return }
        offsets.removeSubrange(kept...)
        (hasExtended, systemAttributes) = (false, [])
        for offset in offsets {
            let entry = StoredEntry(checked: bytes, at: Int(offset))
            if entry.hasExtended { noteExtended(of: entry) }
        }
        specialCount = offsets.reduce(0) { $0 + (StoredEntry(checked: bytes, at: Int($1)).isSpecial ? 1 : 0) }
    }
}

/// Compares names in place and looks them up.
enum NameSearch {
    /// Whether `a` comes before `b` in byte order.
    @inline(__always)
    static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        compare(a, b) < 0
    }

    @inline(__always)
    static func isEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        a.count == b.count && compare(a, b) == 0
    }

    /// Negative, zero or positive like `memcmp`, a prefix before what continues it.
    @inline(__always)
    static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let common = min(a.count, b.count)
        if common > 0, let first = a.baseAddress, let second = b.baseAddress {
            let order = memcmp(first, second, common)
            if order != 0 { return Int(order) }
        }
        return a.count - b.count
    }

    /// Seeded anew in each process, so that nobody can store names that collide.
    @inline(__always)
    static func hash(_ name: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return hasher.finalize()
    }

    /// Searches entries whose names ascend strictly.
    static func sorted(
        _ name: UnsafeRawBufferPointer,
        in bytes: UnsafeRawBufferPointer,
        _ offsets: [UInt32]
    ) -> Int? {
        var low = 0
        var high = offsets.count
        while low < high {
            let middle = (low + high) / 2
            let order = compare(StoredEntry(checked: bytes, at: Int(offsets[middle])).name, name)
            if order == 0 { return middle }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Probes the table that `EntryScan` made.
    static func hashed(
        _ name: UnsafeRawBufferPointer,
        in bytes: UnsafeRawBufferPointer,
        _ offsets: [UInt32],
        _ slots: [UInt32]
    ) -> Int? {
        var slot = hash(name) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if isEqual(StoredEntry(checked: bytes, at: Int(offsets[index])).name, name) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }
}
