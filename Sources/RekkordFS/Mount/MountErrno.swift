import Core
import Glibc

extension MountFailure {
    /// What a client of the mount is told.
    var errno: Int32 {
        switch self {
        case .stale: ESTALE
        case .notFolder: ENOTDIR
        case .isFolder: EISDIR
        case .nameTooLong: ENAMETOOLONG
        case .notLink: EINVAL
        case .noAttribute: ENODATA
        case .attributesUnsupported: EOPNOTSUPP
        case .unreadable: EIO
        case .damaged(let error): error.kind.errno
        }
    }
}

extension RekkordError.Kind {
    /// What a client of the mount is told when a blob cannot be had.
    var errno: Int32 {
        switch self {
        case .usage, .notInitialized, .key, .missing, .corrupted, .storage, .denied, .notFound, .exists,
            .system,
            .unsupported:
            EIO
        case .interrupted: EINTR
        }
    }
}
