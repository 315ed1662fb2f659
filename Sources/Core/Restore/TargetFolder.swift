internal import Glibc
import Synchronization
import SystemPackage

/// A folder below the destination while something is still to be done in it.
///
/// It holds the folder above it, and no descriptor for longer than needed, so that trees of any depth can be
/// restored.
final class TargetFolder: Sendable {
    /// Its name in `parent`; empty at the top.
    let name: [UInt8]
    /// The folder above; nil at the top.
    // Written in `init` and in `deinit` alone, when nobody else can see it.
    nonisolated(unsafe) private(set) var parent: TargetFolder?
    /// What is known of it on the disk; nil when it is not there, as in a dry run.
    let identity: FileIdentity?
    /// Whether this restore made it, so that nothing can be in the way.
    let isNew: Bool
    /// Whether another file system begins here.
    let isMountPoint: Bool
    /// Whether new entries get access control lists from it.
    let inheritsLists: Bool
    /// The attributes that it gets when all in it is done; nil when they are left alone.
    let entry: Entry?
    /// The permissions that it had before, where they had to be widened.
    let formerMode: UInt32?

    private let held: Locked<Descriptor?>
    private let pending = Atomic(1)

    init(
        name: [UInt8],
        parent: TargetFolder?,
        descriptor: Descriptor?,
        identity: FileIdentity?,
        isNew: Bool,
        isMountPoint: Bool = false,
        inheritsLists: Bool = false,
        entry: Entry?,
        formerMode: UInt32? = nil
    ) {
        self.name = name
        self.parent = parent
        self.identity = identity
        self.isNew = isNew
        self.isMountPoint = isMountPoint
        self.inheritsLists = inheritsLists
        self.entry = entry
        self.formerMode = formerMode
        held = Locked(descriptor)
    }

    deinit {
        // One after the other: the end of a deep folder must not become recursion.
        var next = parent
        parent = nil
        while isKnownUniquelyReferenced(&next), let folder = next {
            next = folder.parent
            folder.parent = nil
        }
    }

    /// The open folder, if it is held at this moment.
    var descriptor: Descriptor? { held.withLock { $0 } }

    /// Closes the folder as soon as nobody uses it; `reopen` finds it again.
    func close() {
        let descriptor = held.withLock { held in
            defer { held = nil }
            return held
        }
        _ = descriptor
    }

    /// The open folder, found again from a folder in it when it was closed.
    ///
    /// - Returns: Nil when it is not the folder that it was, because somebody moved one of the two meanwhile.
    func reopen(from child: Descriptor?) -> Descriptor? {
        if let descriptor { return descriptor }
        // `..` leaves the folder, so it cannot be opened "beneath"; instead it has to be the folder that was left.
        guard let child, let identity,
            let found = try? System.open(
                Array("..".utf8),
                in: child.number,
                flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            ),
            let status = try? System.status(of: found.number), status.identity == identity
        else { return nil }
        held.withLock { $0 = found }
        return found
    }

    /// Counts something that has to be done before the folder is complete.
    func begin() { pending.wrappingAdd(1, ordering: .relaxed) }

    /// Counts that something is done; true when it was the last.
    func end() -> Bool { pending.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 }

    /// The path of an entry, below the destination.
    func path(of name: [UInt8]) -> [UInt8] {
        var names = [name]
        var folder = self
        while let parent = folder.parent {
            names.append(folder.name)
            folder = parent
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    /// Its own path, below the destination; empty at the top.
    var path: [UInt8] { parent?.path(of: name) ?? [] }
}

/// Where one entry is restored to.
struct TargetPlace: Sendable {
    let folder: TargetFolder
    /// The open folder; nil when it is not there, as in a dry run.
    let directory: Descriptor?
    let entry: Entry

    /// The path, below the destination.
    var path: [UInt8] { folder.path(of: entry.name) }

    /// What is there already.
    func existing() throws(Errno) -> FileStatus? {
        guard !folder.isNew, let directory else { return nil }
        do throws(Errno) {
            return try System.status(of: entry.name, in: directory.number)
        } catch .noSuchFileOrDirectory {
            return nil
        }
    }
}
