import Glibc
public import SystemPackage

/// Writes files that only their owner may read.
public enum SecretFile {
    /// Writes `bytes` with mode 0600; afterwards the file is there as a whole, on disk, or as it was before.
    ///
    /// The bytes go to a temporary file in the same folder first.
    /// - Parameter replace: Whether an existing regular file or link may be replaced.
    /// - Throws: `.exists` when there is something and `replace` is false, else `.system`.
    public static func write(_ bytes: [UInt8], to path: FilePath, replace: Bool) throws(RekkordError) {
        if replace { try refuseSpecial(path) }
        do throws(Errno) {
            if !replace, let status = status(path) {
                throw status.type == .directory ? .isDirectory : .fileExists
            }
            let folder = path.removingLastComponent()
            let temporary = folder.appending(".rekkord-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).tmp")
            try create(temporary, bytes)
            do throws(Errno) {
                try move(temporary, to: path, replace: replace)
            } catch {
                unlink(temporary)
                throw error
            }
            syncFolder(folder.isEmpty ? "." : folder)
        } catch {
            let isThere = error == .fileExists
            throw RekkordError(
                isThere ? .exists : .system,
                "cannot write '\(path.printed)': \(isThere ? "file exists" : "\(error)")",
                hint: isThere ? "use --force" : nil
            )
        }
    }

    /// Keeps a rename from putting the file in place of a device such as `/dev/null`.
    private static func refuseSpecial(_ path: FilePath) throws(RekkordError) {
        guard let status = status(path), status.type == .special else { return }
        throw RekkordError(.system, "cannot write '\(path.printed)': it is not a regular file")
    }

    private static func status(_ path: FilePath) -> FileStatus? {
        try? System.status(of: path.bytes)
    }

    private static func create(_ path: FilePath, _ bytes: [UInt8]) throws(Errno) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let file = try System.open(path.bytes, flags: flags, mode: 0o600)
        do throws(Errno) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = try System.check {
                    rest.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
                }
                rest = rest.dropFirst(count)
            }
            try System.check { fsync(file.number) }
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func move(_ from: FilePath, to path: FilePath, replace: Bool) throws(Errno) {
        let here = System.workingDirectory
        guard replace else {
            try System.renameWithoutReplacing(from.bytes, in: here, to: path.bytes, in: here)
            return
        }
        try System.check {
            from.withPlatformString { source in
                path.withPlatformString { target in rename(source, target) }
            }
        }
    }

    private static func unlink(_ path: FilePath) {
        _ = path.withPlatformString { Glibc.unlink($0) }
    }

    /// Makes the new name durable where the file system can; the content is complete all the same.
    private static func syncFolder(_ path: FilePath) {
        guard let folder = try? System.open(path.bytes, flags: O_RDONLY | O_DIRECTORY) else { return }
        _ = fsync(folder.number)
    }
}
