/// Reads one encoded entry in place, within the bytes of its blob.
///
/// ```
///  0 hash[32] | 32 flags | 33 kind | 34 name length u16 | 36 extended length u16
/// 38 mtime | 46 ctime | 54 atime | 62 btime (i64 ms) | 70 uid | 74 gid | 78 mode (u32) | 82 size (i64)
/// 90 name | extended attributes
/// ```
///
/// The bytes must outlive the value; use it inside a `withBytes` closure.
/// - Source: rekkord-format(5), "DIRECTORIES".
struct StoredEntry {
    /// The part before the name.
    static let fixedByteCount = 90

    // The whole blob; from `offset` on it holds the whole entry.
    private let blob: UnsafeRawBufferPointer
    private let offset: Int
    /// What the entry stands for.
    let kind: EntryKind

    /// Checks the structure of the entry at `offset`; its name is not judged.
    ///
    /// - Parameter offset: 0…`blob.count`.
    /// - Throws: `malformed entry` when it reaches beyond the blob or has no known kind.
    @inline(__always)
    init(in blob: UnsafeRawBufferPointer, at offset: Int) throws(FormatError) {
        guard blob.count - offset >= Self.fixedByteCount,
            let kind = EntryKind(rawValue: blob.loadUnaligned(fromByteOffset: offset + 33, as: Int8.self))
        else { throw FormatError("malformed entry") }
        self.blob = blob
        self.offset = offset
        self.kind = kind
        guard blob.count - offset >= byteCount else { throw FormatError("malformed entry") }
    }

    /// Returns to an entry that passed the check before.
    @inline(__always)
    init(checked blob: UnsafeRawBufferPointer, at offset: Int) {
        self.blob = blob
        self.offset = offset
        guard let kind = EntryKind(rawValue: blob.loadUnaligned(fromByteOffset: offset + 33, as: Int8.self))
        else { fatalError("entry changed after it was checked") }
        self.kind = kind
    }

    @inline(__always)
    private func integer<T: FixedWidthInteger>(at place: Int, _ type: T.Type = T.self) -> T {
        T(littleEndian: blob.loadUnaligned(fromByteOffset: offset + place, as: T.self))
    }

    private func time(at place: Int) -> Timestamp {
        Timestamp(milliseconds: integer(at: place))
    }

    private var nameByteCount: Int { Int(integer(at: 34, UInt16.self)) }
    private var extendedByteCount: Int { Int(integer(at: 36, UInt16.self)) }

    /// How many bytes the entry takes.
    var byteCount: Int { Self.fixedByteCount + nameByteCount + extendedByteCount }

    var flags: EntryFlags { EntryFlags(rawValue: integer(at: 32)) }
    var hash: Hash32 { Hash32(UnsafeRawBufferPointer(rebasing: blob[offset..<offset + Hash32.byteCount])) }
    var size: Int64 { integer(at: 82) }
    var hasExtended: Bool { extendedByteCount > 0 }
    /// Whether it is a device, pipe or socket.
    var isSpecial: Bool { kind == .unknown && flags.contains(.stated) }

    /// The name as stored, which may be anything.
    var name: UnsafeRawBufferPointer {
        let start = offset + Self.fixedByteCount
        return UnsafeRawBufferPointer(rebasing: blob[start..<start + nameByteCount])
    }

    /// The encoded extended attributes.
    var extended: UnsafeRawBufferPointer {
        let start = offset + Self.fixedByteCount + nameByteCount
        return UnsafeRawBufferPointer(rebasing: blob[start..<start + extendedByteCount])
    }

    /// Everything of fixed size.
    var attributes: EntryAttributes {
        EntryAttributes(
            hash: hash,
            flags: flags,
            kind: kind,
            mtime: time(at: 38),
            ctime: time(at: 46),
            atime: time(at: 54),
            btime: time(at: 62),
            uid: integer(at: 70),
            gid: integer(at: 74),
            mode: integer(at: 78),
            size: size
        )
    }

    /// Whether both are the same with all that is known of them.
    func hasSameBytes(as other: StoredEntry) -> Bool {
        bytes.elementsEqual(other.bytes)
    }

    private var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: blob[offset..<offset + byteCount])
    }

    /// A copy that lives on its own.
    var entry: Entry { Entry(attributes, name: Array(name), extended: Array(extended)) }
}
