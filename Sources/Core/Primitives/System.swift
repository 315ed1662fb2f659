internal import CLinux
import Glibc
import Synchronization
public import SystemPackage

/// What the kernel tells about a file.
///
/// - Source: C: `statx(2)`.
public struct FileStatus: Sendable {
    /// A time with the kernel's full resolution.
    public struct Time: Hashable, Sendable {
        /// Seconds since 1970, rounded down.
        public let seconds: Int64
        /// 0…999,999,999, added to `seconds`.
        public let nanoseconds: UInt32

        /// Joins both parts.
        public init(seconds: Int64, nanoseconds: UInt32) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }

        /// The clock of the machine.
        public static func now() -> Time {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Time(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
        }

        /// Rounded down to a millisecond, as it is stored.
        public var timestamp: Timestamp { Timestamp(seconds: seconds, nanoseconds: nanoseconds) }
    }

    /// What kind of file it is.
    public enum FileType: Sendable {
        case regular, directory, symbolicLink, special
    }

    /// The file system, as one number.
    public let device: UInt64
    /// The number of the file in its file system.
    public let inode: UInt64
    /// Length in bytes.
    public let size: UInt64
    /// The mount that the file is on; 0 where the kernel does not tell.
    public let mountID: UInt64
    /// Type and permission bits.
    public let mode: UInt32
    /// Owner.
    public let uid: UInt32
    /// Group.
    public let gid: UInt32
    /// Number of hard links.
    public let links: UInt32
    /// When the content was last read, as far as the file system keeps track.
    public let access: Time
    /// When the content was last changed.
    public let modification: Time
    /// When content or attributes were last changed.
    public let change: Time
    /// When the file was made, where the file system knows it.
    public let birth: Time?

    init(_ raw: rk_stat) {
        func time(_ raw: rk_time) -> Time { Time(seconds: raw.seconds, nanoseconds: raw.nanoseconds) }
        device = raw.device
        inode = raw.inode
        size = raw.size
        mountID = raw.mount_id
        mode = raw.mode
        uid = raw.uid
        gid = raw.gid
        links = raw.links
        access = time(raw.access)
        modification = time(raw.modification)
        change = time(raw.change)
        birth = raw.has_birth != 0 ? time(raw.birth) : nil
    }

    /// The kind that `mode` tells.
    public var type: FileType {
        switch mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        case S_IFLNK: .symbolicLink
        default: .special
        }
    }

    /// The twelve permission bits.
    public var permissions: UInt32 { mode & 0o7777 }

    /// Whether another file system, or the same one mounted once more, begins between the two.
    func isOnOtherMount(than outer: FileStatus) -> Bool { device != outer.device || mountID != outer.mountID }
}

/// Owns a file descriptor and closes it when the value dies.
public final class Descriptor: Sendable {
    /// The number, valid as long as this object lives.
    public let number: Int32
    private let isClosed = Atomic(false)

    /// Takes over an open descriptor.
    public init(owning number: Int32) {
        self.number = number
    }

    deinit {
        if !isClosed.load(ordering: .relaxed) { Glibc.close(number) }
    }

    /// Closes it now, after which nobody may use `number`; nothing happens the second time.
    ///
    /// - Throws: What became of earlier writes, where the file system tells only then: network file systems, quotas.
    public func close() throws(Errno) {
        guard !isClosed.exchange(true, ordering: .relaxed), Glibc.close(number) != 0 else { return }
        // It is closed all the same, also after EINTR.
        throw Errno(rawValue: errno)
    }
}

/// Thin typed wrappers around system calls that Swift's overlays lack; the only importer of `CLinux` besides `WorkerThread`.
///
/// Names are NUL-terminated bytes, so any name of the file system works. `EINTR` is retried.
public enum System {
    /// The working directory, for the calls that take a directory descriptor.
    public static let workingDirectory: Int32 = AT_FDCWD

    /// Calls `body` with `name` followed by NUL.
    ///
    /// `name` must not hold NUL itself.
    public static func withCString<R, E: Error>(
        _ name: [UInt8],
        _ body: (UnsafePointer<CChar>) throws(E) -> R
    ) throws(E) -> R {
        let terminated = name + [0]
        return try terminated.withUnsafeBufferPointer { (buffer) throws(E) -> R in
            try UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped)
                .withMemoryRebound(to: CChar.self, capacity: terminated.count) { (pointer) throws(E) -> R in
                    try body(pointer)
                }
        }
    }

    /// Repeats `call` while it is interrupted; throws the errno of any other failure (a negative result).
    @discardableResult
    public static func check<T: SignedInteger>(_ call: () -> T) throws(Errno) -> T {
        while true {
            let result = call()
            if result >= 0 { return result }
            let error = Errno(rawValue: errno)
            if error != .interrupted { throw error }
        }
    }

    /// Whether an open folder is the root of a mount, as `/` is; true also where what is around it cannot be seen.
    static func isMountPoint(_ folder: Int32) throws(Errno) -> Bool {
        let own = try status(of: folder)
        guard let around = try? status(of: Array("..".utf8), in: folder) else { return true }
        return own.isOnOtherMount(than: around) || own.identity == around.identity
    }

    /// Whether a path is on a file system that takes no changes.
    static func isReadOnly(_ path: [UInt8]) -> Bool {
        var found = statvfs()
        guard withCString(path.isEmpty ? Array(".".utf8) : path, { statvfs($0, &found) }) == 0 else {
            return false
        }
        return found.f_flag & UInt(ST_RDONLY) != 0
    }

    /// `statx` of `name` below `directory`; a link itself unless `followLinks`.
    public static func status(
        of name: [UInt8],
        in directory: Int32 = workingDirectory,
        followLinks: Bool = false
    ) throws(Errno) -> FileStatus {
        var raw = rk_stat()
        _ = try withCString(name) { (path) throws(Errno) in
            try check { rk_stat_at(directory, path, followLinks ? 0 : AT_SYMLINK_NOFOLLOW, &raw) }
        }
        return FileStatus(raw)
    }

    /// `statx` of a NUL-terminated `name` below `directory`; a link itself unless `followLinks`.
    public static func status(
        of name: UnsafePointer<CChar>,
        in directory: Int32,
        followLinks: Bool = false
    ) throws(Errno) -> FileStatus {
        var raw = rk_stat()
        try check { rk_stat_at(directory, name, followLinks ? 0 : AT_SYMLINK_NOFOLLOW, &raw) }
        return FileStatus(raw)
    }

    /// `statx` of an open descriptor.
    public static func status(of descriptor: Int32) throws(Errno) -> FileStatus {
        var raw = rk_stat()
        try check { rk_stat_descriptor(descriptor, &raw) }
        return FileStatus(raw)
    }

    /// `openat` with `O_CLOEXEC` added.
    public static func open(
        _ name: [UInt8],
        in directory: Int32 = workingDirectory,
        flags: Int32,
        mode: UInt32 = 0
    ) throws(Errno) -> Descriptor {
        let number = try withCString(name) { (path) throws(Errno) in
            try check { rk_open_at(directory, path, flags | O_CLOEXEC, mode) }
        }
        return Descriptor(owning: number)
    }

    /// Flag of `open` for a descriptor that only names a file: nothing is opened, so no device or automount acts.
    public static let pathOnly: Int32 = RK_O_PATH
    /// Flag of `open` that leaves the access time alone; refused for files of other users.
    public static let withoutAccessTime: Int32 = RK_O_NOATIME

    /// `getdents64`: fills `buffer` with records of directory entries and returns their bytes; 0 at the end.
    public static func readDirectory(
        _ descriptor: Int32,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        guard let base = buffer.baseAddress else { throw .invalidArgument }
        return Int(try check { rk_read_directory(descriptor, base, buffer.count) })
    }

    /// `readlinkat`: the target of the link `name` below `directory`, at most `limit` bytes of it.
    public static func linkTarget(
        of name: [UInt8],
        in directory: Int32 = workingDirectory,
        limit: Int
    ) throws(Errno) -> [UInt8] {
        try withCString(name) { (path) throws(Errno) in
            try bytes(capacity: limit) { readlinkat(directory, path, $0, $1) }
        }
    }

    /// `llistxattr`: the names of the extended attributes of `path`, each followed by NUL.
    ///
    /// Those of a link itself unless `followsLinks`.
    public static func attributeNames(of path: [UInt8], followsLinks: Bool) throws(Errno) -> [UInt8] {
        try withCString(path) { (path) throws(Errno) in
            try growingBytes { rk_list_attributes(path, followsLinks ? 1 : 0, $0, $1) }
        }
    }

    /// `lgetxattr`: the value of one extended attribute of `path`; that of a link itself unless `followsLinks`.
    public static func attribute(
        _ name: [UInt8],
        of path: [UInt8],
        followsLinks: Bool
    ) throws(Errno) -> [UInt8] {
        try withCString(path) { (path) throws(Errno) in
            try withCString(name) { (name) throws(Errno) in
                try growingBytes { rk_get_attribute(path, followsLinks ? 1 : 0, name, $0, $1) }
            }
        }
    }

    /// The bytes that `call` puts into a buffer of `capacity` bytes.
    private static func bytes<T: SignedInteger>(
        capacity: Int,
        _ call: (UnsafeMutablePointer<CChar>, Int) -> T
    ) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let result = [UInt8](unsafeUninitializedCapacity: max(capacity, 1)) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                guard let base = buffer.baseAddress else { return }
                do throws(Errno) {
                    count = Int(try check { call(base, capacity) })
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
        return result
    }

    /// The bytes of a call that answers `ERANGE` when they do not fit, and their number without a buffer.
    private static func growingBytes(
        _ call: (UnsafeMutablePointer<CChar>?, Int) -> Int64
    ) throws(Errno) -> [UInt8] {
        while true {
            let size = Int(try check { call(nil, 0) })
            if size == 0 { return [] }
            do throws(Errno) {
                return try bytes(capacity: size) { call($0, $1) }
            } catch {
                // It grew in between.
                if error.rawValue != ERANGE { throw error }
            }
        }
    }

    /// `mkdir` of each folder on the way to `path` that is absent, and of `path` itself.
    public static func makeFolders(_ path: FilePath, mode: UInt32) throws(Errno) {
        do throws(Errno) {
            _ = try check { path.withPlatformString { mkdir($0, mode) } }
        } catch .fileExists {
            return
        } catch  where error == .noSuchFileOrDirectory && !path.components.isEmpty {
            try makeFolders(path.removingLastComponent(), mode: mode)
            do throws(Errno) {
                _ = try check { path.withPlatformString { mkdir($0, mode) } }
            } catch {
                // Another process or thread was faster.
                if error != .fileExists { throw error }
            }
        }
    }

    /// Renames without replacing; `.fileExists` when the target is there.
    ///
    /// Falls back to a hard link and an unlink where the file system cannot rename so.
    public static func renameWithoutReplacing(
        _ from: [UInt8],
        in fromDirectory: Int32,
        to: [UInt8],
        in toDirectory: Int32
    ) throws(Errno) {
        try withCString(from) { (source) throws(Errno) in
            try withCString(to) { (target) throws(Errno) in
                _ = try check { rk_rename_noreplace(fromDirectory, source, toDirectory, target) }
            }
        }
    }

    /// `renameat`: replaces what is there.
    public static func rename(
        _ from: [UInt8],
        in fromDirectory: Int32,
        to: [UInt8],
        in toDirectory: Int32
    ) throws(Errno) {
        try withCString(from) { (source) throws(Errno) in
            try withCString(to) { (target) throws(Errno) in
                _ = try check { renameat(fromDirectory, source, toDirectory, target) }
            }
        }
    }

    /// `read` up to the end of the file or of `target`; returns how many bytes came.
    public static func fill(
        _ target: UnsafeMutableRawBufferPointer,
        from file: Int32
    ) throws(Errno) -> Int {
        var count = 0
        while count < target.count {
            let read = try check {
                Glibc.read(file, target.baseAddress.unsafelyUnwrapped + count, target.count - count)
            }
            if read == 0 { break }
            count += read
        }
        return count
    }

    /// `syncfs`: everything written so far to the file system of `descriptor` is on disk.
    public static func syncFileSystem(_ descriptor: Int32) throws(Errno) {
        try check { rk_sync_filesystem(descriptor) }
    }

    /// The `f_type` magic of the file system that `descriptor` is on; nil when it cannot be told.
    public static func fileSystemType(_ descriptor: Int32) -> UInt32? {
        let type = rk_filesystem_type(descriptor)
        return type < 0 ? nil : UInt32(truncatingIfNeeded: type)
    }

    /// Makes threads share heaps, so that memory which one frees serves the others.
    ///
    /// By default each thread gets a heap of its own. What one caches and another evicts then lies in pieces in all of
    /// them, and the process grows beyond what it holds. Call before the first thread.
    /// - Source: C: `mallopt`.
    public static func shareHeaps() {
        rk_limit_heaps(2)
    }

    /// Gives back what is free in heaps, for who has freed many small pieces and goes on with large ones.
    ///
    /// - Source: C: `malloc_trim`.
    static func returnFreeMemory() {
        rk_return_free_memory()
    }

    /// Keeps keys out of core dumps and reports of crashes, and away from debuggers of the same user.
    ///
    /// A report is printed all the same where `SWIFT_BACKTRACE` is set.
    public static func disableCoreDumps() {
        _ = rk_disable_core_dumps()
        rk_die_silently()
    }

    /// How many processors there are.
    ///
    /// - Source: C: `sysconf`, `_SC_NPROCESSORS_ONLN`.
    public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Allows as many open files as the administrator does; returns the limit.
    @discardableResult
    public static func raiseOpenFileLimit() -> Int {
        Int(rk_raise_open_file_limit())
    }

    /// `fork`, for the background; only while the process has one thread.
    ///
    /// - Returns: The child in the parent, nil in the child.
    public static func fork() throws(Errno) -> Int32? {
        let child = try check { rk_fork() }
        return child == 0 ? nil : child
    }

    /// `pidfd_open`: a descriptor that becomes readable when the process ends.
    public static func openProcess(_ id: Int32) throws(Errno) -> Descriptor {
        Descriptor(owning: try check { rk_open_process(id) })
    }

    /// Sends one line to syslog; `priority` is a `LOG_` constant.
    public static func log(_ message: String, priority: Int32) {
        rk_syslog(priority, message)
    }
}
