import Glibc
import SystemPackage

/// Recognises file systems whose content is not data of the machine: `/proc` and its like, and mounts of ours.
enum ForeignFileSystem {
    // C: `linux/magic.h`, and `autofs`, whose folders mount something when they are entered.
    private static let pseudoTypes: Set<UInt32> = [
        0x0000_9fa0,  // proc
        0x6265_6572,  // sysfs
        0x0027_e0eb,  // cgroup
        0x6367_7270,  // cgroup2
        0x7472_6163,  // tracefs
        0x6462_6720,  // debugfs
        0x7363_6673,  // securityfs
        0xf97c_ff8c,  // selinuxfs
        0x4341_5d53,  // smackfs
        0x6165_676c,  // pstore
        0xcafe_4a11,  // bpf
        0x6265_6570,  // configfs
        0xde5e_81e4,  // efivarfs
        0x4249_4e4d,  // binfmt_misc
        0x9584_58f6,  // hugetlbfs
        0x6e73_6673,  // nsfs
        0x6573_5543,  // fusectl
        0x6759_6969,  // rpc_pipefs
        0x6e66_7364,  // nfsd
        0x1980_0202,  // mqueue
        0x0000_1cd1,  // devpts
        0x0000_0187,  // autofs
    ]
    /// What `devtmpfs` says it is, and any file system in memory too.
    private static let memoryTypes: Set<UInt32> = [0x0102_1994, 0x8584_58f6]  // tmpfs, ramfs
    private static let fuse: UInt32 = 0x6573_5546
    private static let deviceType = "devtmpfs"
    /// What `rekkord mount` calls its file systems.
    static let ownType = "fuse.rekkord"

    /// Why a folder that another file system is mounted on is not entered; nil when it is.
    static func reasonToStayOut(
        of name: [UInt8],
        in directory: Int32,
        followsLinks: Bool,
        device: UInt64
    ) -> String? {
        // Without O_DIRECTORY: that would make an automount act.
        let flags = System.pathOnly | (followsLinks ? 0 : O_NOFOLLOW)
        guard let folder = try? System.open(name, in: directory, flags: flags) else { return nil }
        return reasonToStayOut(of: folder, device: device)
    }

    /// The same for a folder that is open.
    static func reasonToStayOut(of folder: Descriptor, device: UInt64) -> String? {
        guard let type = System.fileSystemType(folder.number) else { return nil }
        if pseudoTypes.contains(type) { return "pseudo file system" }
        if memoryTypes.contains(type), mountedType(device: device) == deviceType {
            return "pseudo file system"
        }
        if type == fuse, mountedType(device: device) == ownType { return "mount of rekkord" }
        return nil
    }

    private static func mountedType(device: UInt64) -> String? {
        MountTable.current()?.type(ofDevice: device)
    }
}
