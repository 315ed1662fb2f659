extension FolderRecord {
    /// Goes through the entries of a record in step with the names found in the folder.
    struct Cursor {
        private let record: FolderRecord
        private var part: [UInt8]
        private var partNumber = 0
        private var offset = FolderRecord.headerByteCount

        init(_ record: FolderRecord) {
            self.record = record
            part = record.firstPart
        }

        /// The entry with this name; names must be asked for in the order of their bytes.
        mutating func find(_ name: [UInt8]) -> Entry? {
            while offset < part.count || nextPart() {
                let found = part.withRawBytes { part in
                    name.withRawBytes { FolderRecord.look(for: $0, in: part, at: offset) }
                }
                switch found {
                case .here(let entry, let end):
                    offset = end
                    return entry
                case .behind(let end): offset = end
                case .absent: return nil
                // A damaged record is as good as one that ends here.
                case .damaged: end()
                }
            }
            return nil
        }

        /// Goes to the start of the next part; false when there is none.
        private mutating func nextPart() -> Bool {
            guard part.count >= FolderRecord.partByteCount, let next = record.part(partNumber + 1),
                next.count > Hash32.byteCount, next.withRawBytes({ Hash32($0) }) == record.hash
            else {
                end()
                return false
            }
            part = next
            partNumber += 1
            offset = Hash32.byteCount
            return true
        }

        private mutating func end() {
            part = []
            offset = 0
        }
    }

    private enum Found {
        /// It is the entry that was looked at; the next one starts at `end`.
        case here(Entry, end: Int)
        /// It comes after the entry that was looked at.
        case behind(end: Int)
        case absent
        case damaged
    }

    /// Looks at the entry at `offset`; copies nothing unless it is the right one.
    private static func look(
        for name: UnsafeRawBufferPointer,
        in part: UnsafeRawBufferPointer,
        at offset: Int
    ) -> Found {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: part[offset...]))
        do throws(FormatError) {
            guard let kind = EntryKind(rawValue: try reader.integer()) else { return .damaged }
            let flags = EntryFlags(rawValue: try reader.integer())
            let nameCount = Int(try reader.integer(UInt16.self))
            let extendedCount = Int(try reader.integer(UInt16.self))
            var fields = ByteReader(try reader.bytes(fieldsByteCount))
            let order = NameSearch.compare(try reader.bytes(nameCount), name)
            let extended = try reader.bytes(extendedCount)
            let end = offset + reader.offset
            if order > 0 { return .absent }
            if order < 0 { return .behind(end: end) }
            let entry = Entry(
                kind: kind,
                flags: flags,
                modification: try time(&fields),
                change: try time(&fields),
                inode: try fields.integer(),
                mode: try fields.integer(),
                size: try fields.integer(),
                access: Timestamp(milliseconds: try fields.integer()),
                hash: try fields.hash(),
                stored: try fields.integer(),
                extended: Array(extended)
            )
            return .here(entry, end: end)
        } catch {
            return .damaged
        }
    }

    private static func time(_ reader: inout ByteReader) throws(FormatError) -> FileStatus.Time {
        FileStatus.Time(seconds: try reader.integer(), nanoseconds: try reader.integer())
    }
}
