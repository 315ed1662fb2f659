import Glibc
import SystemPackage

/// Holds the names in one folder, in the order of their bytes, without `.` and `..`.
///
/// The names lie in one run of memory, each followed by NUL, so that the kernel can be given them as they are.
///
/// - Source: C: `struct linux_dirent64` of `getdents64(2)`.
struct DirectoryNames: Sendable {
    private struct Position {
        private let start: UInt32
        private let length: UInt16

        var offset: Int { Int(start) }
        var count: Int { Int(length) }

        init(offset: Int, count: Int) throws(Errno) {
            guard let start = UInt32(exactly: offset), let length = UInt16(exactly: count) else {
                throw .overflow
            }
            self.start = start
            self.length = length
        }
    }

    private var bytes: [UInt8] = []
    private var positions: [Position] = []

    private static let bufferByteCount = 65_536
    private static let recordLengthOffset = 16
    private static let nameOffset = 19

    /// Reads the folder that `descriptor` is open on, from where it stands to its end.
    init(reading descriptor: Int32) throws(Errno) {
        var failure: Errno?
        withUnsafeTemporaryAllocation(byteCount: Self.bufferByteCount, alignment: 8) { buffer in
            do throws(Errno) {
                while true {
                    let count = try System.readDirectory(descriptor, into: buffer)
                    if count == 0 { break }
                    try append(records: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        sort()
    }

    /// How many names there are.
    var count: Int { positions.count }
    /// How many bytes the names have together.
    var byteCount: Int { bytes.count - positions.count }

    /// A copy of the name at `index`.
    subscript(index: Int) -> [UInt8] {
        let position = positions[index]
        return Array(bytes[position.offset..<position.offset + position.count])
    }

    /// Whether there is an entry with this name.
    func contains(_ name: [UInt8]) -> Bool {
        var range = 0..<count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            let position = positions[middle]
            let candidate = bytes[position.offset..<position.offset + position.count]
            if candidate.elementsEqual(name) { return true }
            range =
                candidate.lexicographicallyPrecedes(name)
                ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return false
    }

    /// Calls `body` with the name at `index`, followed by NUL.
    func withCString<R, E: Error>(
        at index: Int,
        _ body: (UnsafePointer<CChar>) throws(E) -> R
    ) throws(E) -> R {
        let position = positions[index]
        return try bytes.withUnsafeBufferPointer { (buffer) throws(E) -> R in
            guard let base = buffer.baseAddress else { fatalError("a name without bytes") }
            // With the NUL behind it.
            let count = position.count + 1
            return try UnsafeRawPointer(base + position.offset)
                .withMemoryRebound(to: CChar.self, capacity: count) { (name) throws(E) -> R in
                    try body(name)
                }
        }
    }

    /// Takes the names out of the records of one `getdents64`.
    private mutating func append(records: UnsafeRawBufferPointer) throws(Errno) {
        var start = 0
        while start + Self.nameOffset < records.count {
            let length = Int(
                records.loadUnaligned(fromByteOffset: start + Self.recordLengthOffset, as: UInt16.self)
            )
            guard length > Self.nameOffset, start + length <= records.count else { return }
            let name = records[start + Self.nameOffset..<start + length].prefix { $0 != 0 }
            start += length
            let isSelfOrParent = name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
            if isSelfOrParent { continue }
            positions.append(try Position(offset: bytes.count, count: name.count))
            bytes.append(contentsOf: name)
            bytes.append(0)
        }
    }

    /// Sorts by bytes, and drops a name that a folder changing meanwhile gave twice.
    private mutating func sort() {
        var sorted = positions
        // Not to be copied.
        positions = []
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            func compare(_ a: Position, _ b: Position) -> Int {
                let order = Int(memcmp(base + a.offset, base + b.offset, min(a.count, b.count)))
                return order != 0 ? order : a.count - b.count
            }
            sorted.sort { compare($0, $1) < 0 }
            var kept = 0
            for index in sorted.indices where kept == 0 || compare(sorted[kept - 1], sorted[index]) != 0 {
                sorted[kept] = sorted[index]
                kept += 1
            }
            sorted.removeSubrange(kept...)
        }
        positions = sorted
    }
}
