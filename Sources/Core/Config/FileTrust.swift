public import SystemPackage

/// Decides by mode and owner whether a file may be trusted with secrets, or with the say over root's work.
///
/// - Source: ARCHITECTURE.md, "Threats".
public enum FileTrust {
    private static let readableByOthers: UInt32 = 0o044
    private static let writableByOthers: UInt32 = 0o022

    /// Judges a key file, or a configuration file that holds a secret.
    ///
    /// - Returns: Warnings.
    /// - Throws: `.usage` when others can write it and the user is root.
    public static func checkSecret(
        _ status: FileStatus,
        _ path: FilePath,
        isRoot: Bool
    ) throws(RekkordError) -> [String] {
        guard status.type == .regular else { return [] }
        if status.permissions & writableByOthers != 0 {
            if isRoot { throw refusal(path) }
            return ["'\(path.printed)': others can write it, use 'chmod 600'"]
        }
        if status.permissions & readableByOthers != 0 {
            return ["'\(path.printed)': others can read it, use 'chmod 600'"]
        }
        return []
    }

    /// Judges the key file at `path`; an absent one is left to whoever reads it.
    public static func checkKeyFile(_ path: FilePath, isRoot: Bool) throws(RekkordError) -> [String] {
        guard let status = try? System.status(of: path.bytes, followLinks: true) else { return [] }
        return try checkSecret(status, path, isRoot: isRoot)
    }

    /// Judges a folder of hooks or a hook: root runs only what nobody else can change.
    public static func checkHook(_ status: FileStatus, _ path: FilePath, isRoot: Bool) throws(RekkordError) {
        guard isRoot, status.uid != 0 || status.permissions & writableByOthers != 0 else { return }
        throw RekkordError(
            .usage,
            "cannot use '\(path.printed)': others can write it",
            hint: "use 'chmod go-w' and give it to root"
        )
    }

    /// Judges a configuration file beside the executable: root takes it only from root or the executable's owner.
    static func checkBesideExecutable(
        _ status: FileStatus,
        _ path: FilePath,
        _ environment: ProcessEnvironment
    ) throws(RekkordError) {
        guard environment.isRoot else { return }
        let folder = try? System.status(of: path.removingLastComponent().bytes, followLinks: true)
        let isOwnerTrusted = status.uid == 0 || status.uid == folder?.uid
        guard isOwnerTrusted, status.permissions & writableByOthers == 0 else { throw refusal(path) }
    }

    private static func refusal(_ path: FilePath) -> RekkordError {
        RekkordError(
            .usage,
            "cannot use '\(path.printed)': others can write it",
            hint: "use 'chmod 600' and give it to root"
        )
    }
}
