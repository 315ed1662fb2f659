import Glibc
public import SystemPackage

/// A folder of programs that run before or after a command.
///
/// - Source: rekkord(1), "Hooks".
public struct HookFolder: Sendable {
    /// Where it is.
    public let path: FilePath

    /// Names a folder; nothing is looked at yet.
    public init(_ path: FilePath) {
        self.path = path
    }

    /// The programs in it, in the order of name bytes; whatever cannot be executed is none.
    ///
    /// - Throws: `.usage` when the folder cannot be listed, or somebody else could make root run something.
    public func executables(isRoot: Bool) throws(RekkordError) -> [FilePath] {
        let (folder, status, names) = try open()
        try FileTrust.checkHook(status, path, isRoot: isRoot)
        var found: [FilePath] = []
        for index in 0..<names.count {
            let name = names[index]
            // Links count as what they point to, as for run-parts(8).
            guard let status = try? System.status(of: name, in: folder.number, followLinks: true),
                status.type == .regular,
                System.withCString(name, { faccessat(folder.number, $0, X_OK, AT_EACCESS) }) == 0
            else { continue }
            let program = FilePath(bytes: path.bytes + [UInt8(ascii: "/")] + name)
            try FileTrust.checkHook(status, program, isRoot: isRoot)
            found.append(program)
        }
        return found
    }

    private func open() throws(RekkordError) -> (Descriptor, FileStatus, DirectoryNames) {
        do throws(Errno) {
            let folder = try System.open(path.bytes, flags: O_RDONLY | O_DIRECTORY)
            return (
                folder, try System.status(of: folder.number), try DirectoryNames(reading: folder.number)
            )
        } catch {
            throw RekkordError(.usage, "cannot read hooks '\(path.printed)': \(error)")
        }
    }
}
