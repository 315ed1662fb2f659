import Glibc
import SystemPackage

/// Opens files to be read by a save.
enum FileOpening {
    /// Opens `name`, a link's target only with `followsLinks`, asking the kernel to leave the access time alone if
    /// it shall be kept and the kernel permits that.
    ///
    /// - Source: C: `O_NOATIME`, which only the owner of a file may use.
    static func open(
        _ name: [UInt8],
        in directory: Int32,
        flags: Int32,
        followsLinks: Bool,
        keepsAccessTimes: Bool
    ) throws(Errno) -> Descriptor {
        let flags = followsLinks ? flags : flags | O_NOFOLLOW
        if keepsAccessTimes {
            do throws(Errno) {
                return try System.open(name, in: directory, flags: flags | System.withoutAccessTime)
            } catch .notPermitted {
                // The file of another user: opened as usual.
            }
        }
        return try System.open(name, in: directory, flags: flags)
    }
}
