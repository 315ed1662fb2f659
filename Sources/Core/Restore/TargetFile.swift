internal import Glibc
import Synchronization
import SystemPackage

/// A file that is being written under a temporary name in the folder where it is to be.
///
/// It is removed when the value dies before it got its name. Any number of threads may write parts of it.
final class TargetFile: Sendable {
    /// What holes consist of.
    private static let blockByteCount = 4096

    let place: TargetPlace
    /// The open file.
    let descriptor: Descriptor
    private let directory: Descriptor
    private let temporaryName: [UInt8]
    private let leavesHoles: Bool
    private let hasName = Atomic(false)

    /// Makes an empty file that its owner alone can open.
    init(
        _ place: TargetPlace,
        in directory: Descriptor,
        _ names: TemporaryName,
        _ options: RestoreOptions
    ) throws(Errno) {
        self.place = place
        self.directory = directory
        leavesHoles = options.leavesHoles
        var name: [UInt8]
        repeat {
            name = names.next()
            do throws(Errno) {
                descriptor = try System.openBeneath(
                    name,
                    in: directory.number,
                    by: options.opening,
                    flags: O_WRONLY | O_CREAT | O_EXCL,
                    mode: 0o600
                )
                break
            } catch .fileExists {
                continue
            }
        } while true
        temporaryName = name
    }

    deinit {
        if !hasName.load(ordering: .relaxed) { try? System.remove(temporaryName, in: directory.number) }
    }

    /// Writes bytes at a place in the file, leaving holes where that was asked for.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) {
        guard leavesHoles else { return try System.write(bytes, to: descriptor.number, at: offset) }
        var start = 0
        while start < bytes.count {
            // Blocks are aligned in the file, not in the bytes.
            let firstEnd = Self.blockByteCount - Int((offset + Int64(start)) % Int64(Self.blockByteCount))
            var end = min(bytes.count, start + firstEnd)
            let isHole = Self.isZero(bytes, start..<end)
            while end < bytes.count {
                let next = min(bytes.count, end + Self.blockByteCount)
                guard Self.isZero(bytes, end..<next) == isHole else { break }
                end = next
            }
            if !isHole {
                let run = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                try System.write(run, to: descriptor.number, at: offset + Int64(start))
            }
            start = end
        }
    }

    /// Sets the size, for files that end with a hole.
    func setSize(_ size: Int64) throws(Errno) {
        try System.setSize(size, of: descriptor.number)
    }

    /// Ends the writing, before the file gets its name.
    ///
    /// - Throws: What the file system tells of earlier writes only now.
    func close() throws(Errno) { try descriptor.close() }

    /// Gives the file its name, in place of any other file of this name.
    ///
    /// - Throws: `.isDirectory` when a folder has the name.
    func takeName() throws(Errno) {
        try System.rename(temporaryName, to: place.entry.name, in: directory.number)
        hasName.store(true, ordering: .relaxed)
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        guard let base = bytes.baseAddress, base.load(fromByteOffset: range.lowerBound, as: UInt8.self) == 0
        else { return false }
        // Equal to itself moved by one byte, and zero at the start.
        return memcmp(base + range.lowerBound, base + range.lowerBound + 1, range.count - 1) == 0
    }
}
