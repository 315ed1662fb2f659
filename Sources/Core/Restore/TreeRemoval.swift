internal import Glibc
import SystemPackage

/// Removes a folder with everything in it, over descriptors: no link is followed, no other file system entered.
///
/// Depth costs memory, but neither stack nor descriptors.
struct TreeRemoval {
    private struct Level {
        /// Closed while many folders below are being emptied.
        var descriptor: Descriptor?
        let identity: FileIdentity
        let name: [UInt8]
        /// The folders in it that are left to remove.
        var subfolders: [[UInt8]]
    }

    private static var maxOpenLevels: Int { 64 }

    private let opening: BeneathOpening
    private let spared: Set<FileIdentity>
    private let isOver: () -> Bool
    private var levels: [Level] = []
    /// Whether everything stays, and is only looked at.
    private var isCheck = false

    /// Prepares a removal.
    ///
    /// - Parameters:
    ///   - spared: Folders that are not entered.
    ///   - isOver: Asked for each folder; once it says yes, the rest is left.
    init(_ opening: BeneathOpening, sparing spared: Set<FileIdentity>, isOver: @escaping () -> Bool) {
        self.opening = opening
        self.spared = spared
        self.isOver = isOver
    }

    /// Looks whether the folder `name` can be removed; removes nothing.
    ///
    /// - Throws: `.resourceBusy` for what is not entered, or what a folder that cannot be read says.
    mutating func check(_ name: [UInt8], in directory: Descriptor) throws(Errno) {
        isCheck = true
        defer { isCheck = false }
        try visit(name, in: directory)
    }

    /// Removes the folder `name`.
    ///
    /// - Throws: What the first call that fails says; `.resourceBusy` for what is not entered.
    mutating func remove(_ name: [UInt8], in directory: Descriptor) throws(Errno) {
        try visit(name, in: directory)
    }

    private mutating func visit(_ name: [UInt8], in directory: Descriptor) throws(Errno) {
        let outer = try System.status(of: directory.number)
        levels = []
        try enter(name, in: directory, outer)
        while let level = levels.last {
            guard !isOver() else { throw .interrupted }
            guard let descriptor = level.descriptor else { throw .staleNFSFileHandle }
            if let next = level.subfolders.last {
                levels[levels.count - 1].subfolders.removeLast()
                try enter(next, in: descriptor, try System.status(of: descriptor.number))
                continue
            }
            levels.removeLast()
            let above = try reopenTop(from: descriptor) ?? directory
            if !isCheck { try System.remove(level.name, in: above.number, isFolder: true) }
        }
    }

    /// Opens a folder, removes what is no folder in it, and notes the rest.
    private mutating func enter(_ name: [UInt8], in directory: Descriptor, _ outer: FileStatus) throws(Errno)
    {
        let descriptor = try System.openBeneath(
            name,
            in: directory.number,
            by: opening,
            flags: O_RDONLY | O_DIRECTORY
        )
        let status = try System.status(of: descriptor.number)
        guard !status.isOnOtherMount(than: outer), !spared.contains(status.identity) else {
            throw .resourceBusy
        }
        let names = try DirectoryNames(reading: descriptor.number)
        var level = Level(descriptor: descriptor, identity: status.identity, name: name, subfolders: [])
        for index in 0..<names.count {
            let isFolder = try names.withCString(at: index) { (name) throws(Errno) in
                try System.status(of: name, in: descriptor.number).type == .directory
            }
            if isFolder {
                level.subfolders.append(names[index])
            } else if !isCheck {
                try System.remove(names[index], in: descriptor.number)
            }
        }
        levels.append(level)
        let closing = levels.count - 1 - Self.maxOpenLevels
        if closing >= 0 { levels[closing].descriptor = nil }
    }

    /// The innermost folder, opened again from the one that was in it; nil when none is left.
    private mutating func reopenTop(from child: Descriptor) throws(Errno) -> Descriptor? {
        guard let top = levels.indices.last else { return nil }
        if let descriptor = levels[top].descriptor { return descriptor }
        let found = try System.open(
            Array("..".utf8),
            in: child.number,
            flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        )
        guard try System.status(of: found.number).identity == levels[top].identity else {
            throw .staleNFSFileHandle
        }
        levels[top].descriptor = found
        return found
    }
}
