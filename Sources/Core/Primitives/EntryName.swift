/// Names one entry of a folder, as bytes.
///
/// Every value is 1…255 bytes long, holds neither `/` nor NUL and is neither `.` nor `..`, so each later
/// layer may pass it to the kernel.
/// - Source: rekkord-format(5), "DIRECTORIES". C: `NAME_MAX`.
public struct EntryName: Hashable, Sendable, Comparable {
    /// The longest name that Linux accepts, in bytes.
    public static let maxByteCount = 255

    /// The bytes, in any encoding.
    public let bytes: [UInt8]

    /// Accepts a name or tells what is wrong with it.
    public init(_ bytes: some Collection<UInt8>) throws(FormatError) {
        guard Self.isValid(bytes) else { throw FormatError("bad name") }
        self.bytes = Array(bytes)
    }

    /// Whether `bytes` can name an entry.
    public static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= maxByteCount else { return false }
        if bytes.count <= 2, bytes.allSatisfy({ $0 == UInt8(ascii: ".") }) { return false }
        return !bytes.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    /// Compares bytes, shorter first when one is a prefix of the other.
    public static func < (a: EntryName, b: EntryName) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}

/// Names a root entry of a snapshot: a path without its leading `/`, as a list of names.
///
/// - Source: rekkord-format(5), "SNAPSHOTS".
public struct RootPath: Hashable, Sendable {
    /// At least one name.
    public let components: [EntryName]

    /// Splits `bytes` at each `/`; an empty component, `.` and `..` are refused.
    public init(_ bytes: some Collection<UInt8>) throws(FormatError) {
        var components: [EntryName] = []
        for part in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            components.append(try EntryName(part))
        }
        self.components = components
    }

    /// Whether `bytes` can name a root entry.
    public static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy { EntryName.isValid($0) }
    }

    /// How many names there are in the bytes of a valid path.
    public static func nameCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        bytes.reduce(1) { $1 == UInt8(ascii: "/") ? $0 + 1 : $0 }
    }

    /// The names joined by `/`, without a leading one.
    public var bytes: [UInt8] {
        Array(components.map(\.bytes).joined(separator: [UInt8(ascii: "/")]))
    }
}
