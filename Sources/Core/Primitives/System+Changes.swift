internal import CLinux
import Glibc
public import SystemPackage

/// How a name below a folder is opened without following links.
///
/// - Source: C: `openat2(2)`, `O_NOFOLLOW` of `open(2)`.
public enum BeneathOpening: Sendable, CaseIterable {
    /// The kernel refuses links and every way out of the folder: `openat2`.
    case kernel
    /// One name at a time, each with `O_NOFOLLOW`; for kernels and sandboxes without `openat2`.
    case stepwise

    /// What works here, found out once.
    public static let available: BeneathOpening = {
        do throws(Errno) {
            _ = try System.openBeneath(
                Array(".".utf8),
                in: System.workingDirectory,
                by: .kernel,
                flags: O_RDONLY
            )
            return .kernel
        } catch {
            // Old kernels do not know the call, and some sandboxes forbid what they do not know.
            return error == .noFunction || error == .notPermitted ? .stepwise : .kernel
        }
    }()
}

/// Calls that change files, all of them below an open folder or on an open file; links are never followed.
extension System {
    /// Opens the one name `name` below `directory`, never a link, with `O_CLOEXEC` added.
    public static func openBeneath(
        _ name: [UInt8],
        in directory: Int32,
        by opening: BeneathOpening,
        flags: Int32,
        mode: UInt32 = 0
    ) throws(Errno) -> Descriptor {
        precondition(!name.contains(UInt8(ascii: "/")), "a name, not a path")
        let flags = flags | O_NOFOLLOW | O_CLOEXEC
        let number = try withCString(name) { (name) throws(Errno) in
            try check {
                switch opening {
                case .kernel: rk_open_beneath(directory, name, flags, mode)
                case .stepwise: rk_open_at(directory, name, flags, mode)
                }
            }
        }
        return Descriptor(owning: number)
    }

    /// `mkdirat`.
    public static func makeFolder(_ name: [UInt8], in directory: Int32, mode: UInt32) throws(Errno) {
        _ = try withCString(name) { (name) throws(Errno) in try check { mkdirat(directory, name, mode) } }
    }

    /// `symlinkat`.
    public static func makeLink(_ name: [UInt8], in directory: Int32, to target: [UInt8]) throws(Errno) {
        try withCString(target) { (target) throws(Errno) in
            _ = try withCString(name) { (name) throws(Errno) in
                try check { symlinkat(target, directory, name) }
            }
        }
    }

    /// `unlinkat`: removes a name that is no folder, or an empty folder.
    public static func remove(_ name: [UInt8], in directory: Int32, isFolder: Bool = false) throws(Errno) {
        _ = try withCString(name) { (name) throws(Errno) in
            try check { unlinkat(directory, name, isFolder ? AT_REMOVEDIR : 0) }
        }
    }

    /// `renameat` within one folder; replaces what is no folder.
    public static func rename(_ from: [UInt8], to: [UInt8], in directory: Int32) throws(Errno) {
        try withCString(from) { (from) throws(Errno) in
            _ = try withCString(to) { (to) throws(Errno) in
                try check { renameat(directory, from, directory, to) }
            }
        }
    }

    /// `pwrite` until all bytes are written.
    public static func write(
        _ bytes: UnsafeRawBufferPointer,
        to descriptor: Int32,
        at offset: Int64
    ) throws(Errno) {
        var written = 0
        while written < bytes.count, let base = bytes.baseAddress {
            written += try check {
                pwrite(descriptor, base + written, bytes.count - written, off_t(offset) + off_t(written))
            }
        }
    }

    /// `pread` until `bytes` is full or the file ends; how much was read.
    public static func read(
        into bytes: UnsafeMutableRawBufferPointer,
        from descriptor: Int32,
        at offset: Int64
    ) throws(Errno) -> Int {
        var count = 0
        while count < bytes.count, let base = bytes.baseAddress {
            let read = try check {
                pread(descriptor, base + count, bytes.count - count, off_t(offset) + off_t(count))
            }
            if read == 0 { break }
            count += read
        }
        return count
    }

    /// `ftruncate`.
    public static func setSize(_ size: Int64, of descriptor: Int32) throws(Errno) {
        try check { ftruncate(descriptor, off_t(size)) }
    }

    /// `fchown`.
    public static func setOwner(uid: UInt32, gid: UInt32, of descriptor: Int32) throws(Errno) {
        try check { fchown(descriptor, uid, gid) }
    }

    /// `fchownat` of a link itself.
    public static func setOwner(uid: UInt32, gid: UInt32, ofLink name: [UInt8], in directory: Int32)
        throws(Errno)
    {
        _ = try withCString(name) { (name) throws(Errno) in
            try check { fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) }
        }
    }

    /// `fchmod`.
    public static func setMode(_ mode: UInt32, of descriptor: Int32) throws(Errno) {
        try check { fchmod(descriptor, mode) }
    }

    /// `chmod` of what a descriptor names, also one that was opened with `pathOnly`; needs `/proc`.
    public static func setMode(_ mode: UInt32, ofPathOnly descriptor: Int32) throws(Errno) {
        _ = try withCString(Array("/proc/self/fd/\(descriptor)".utf8)) { (path) throws(Errno) in
            try check { chmod(path, mode) }
        }
    }

    /// `futimens`; nil leaves a time as it is.
    public static func setTimes(
        access: Timestamp?,
        modification: Timestamp?,
        of descriptor: Int32
    ) throws(Errno) {
        let times = [timeValue(access), timeValue(modification)]
        try check { futimens(descriptor, times) }
    }

    /// `utimensat` of a link itself; nil leaves a time as it is.
    public static func setTimes(
        access: Timestamp?,
        modification: Timestamp?,
        ofLink name: [UInt8],
        in directory: Int32
    ) throws(Errno) {
        let times = [timeValue(access), timeValue(modification)]
        _ = try withCString(name) { (name) throws(Errno) in
            try check { utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) }
        }
    }

    private static func timeValue(_ time: Timestamp?) -> timespec {
        guard let (seconds, nanoseconds) = time?.timespec else {
            return timespec(tv_sec: 0, tv_nsec: omitTime)
        }
        return timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    }

    /// C: `UTIME_OMIT`, a macro with a cast that Swift cannot import.
    private static let omitTime = (1 << 30) - 2

    /// `fsetxattr`.
    public static func setAttribute(_ name: [UInt8], to value: [UInt8], of descriptor: Int32) throws(Errno) {
        _ = try withCString(name) { (name) throws(Errno) in
            try check {
                value.withUnsafeBytes { rk_set_attribute(descriptor, name, $0.baseAddress, $0.count) }
            }
        }
    }

    /// `fremovexattr`; an attribute that is not there, or cannot be, is no failure.
    public static func removeAttribute(_ name: [UInt8], of descriptor: Int32) throws(Errno) {
        do throws(Errno) {
            _ = try withCString(name) { (name) throws(Errno) in
                try check { rk_remove_attribute(descriptor, name) }
            }
        } catch .noData {
        } catch .notSupported {
        }
    }

    /// `lsetxattr` of a link itself; needs `/proc`, for there is no such call with a folder's descriptor.
    public static func setAttribute(
        _ key: [UInt8],
        to value: [UInt8],
        ofLink name: [UInt8],
        in directory: Int32
    ) throws(Errno) {
        let path = Array("/proc/self/fd/\(directory)/".utf8) + name
        try withCString(path) { (path) throws(Errno) in
            _ = try withCString(key) { (key) throws(Errno) in
                try check {
                    value.withUnsafeBytes { rk_set_link_attribute(path, key, $0.baseAddress, $0.count) }
                }
            }
        }
    }

    /// `flock`: whether the exclusive lock was free; true as well where there are no locks.
    public static func tryLock(_ descriptor: Int32) -> Bool {
        flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }

    /// `posix_fadvise`: what is cached of the file and on disk may go.
    public static func dropCachedPages(of descriptor: Int32) {
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }
}
