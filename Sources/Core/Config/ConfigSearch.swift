internal import Glibc
public import SystemPackage

/// Finds and reads the configuration file.
///
/// - Source: rekkord.ini(5); ARCHITECTURE.md, "Threats".
public enum ConfigSearch {
    /// What the command line says.
    public enum Request: Sendable, Equatable {
        /// Nothing: look at the usual places.
        case search
        /// `--no-config`.
        case none
        /// `--config-file`.
        case file(FilePath)
    }

    /// One place to look at.
    struct Candidate: Equatable {
        let path: FilePath
        /// Whether somebody named it, so that its absence is an error.
        var isRequired = false
        /// Whether it lies beside the executable, where nobody would look for a stranger's file.
        var isBesideExecutable = false
    }

    /// The name of the file in each folder.
    static let fileName: FilePath.Component = "rekkord.ini"

    /// The places in the order in which they count.
    static func candidates(_ request: Request, _ environment: ProcessEnvironment) -> [Candidate] {
        switch request {
        case .none: return []
        case .file(let path):
            return [Candidate(path: path.resolved(in: environment.workingDirectory), isRequired: true)]
        case .search: break
        }
        if let named = environment.bytes("REKKORD_CONFIG_FILE") {
            let path = FilePath(bytes: named).resolved(in: environment.workingDirectory)
            return [Candidate(path: path, isRequired: true)]
        }
        var candidates: [Candidate] = []
        if let folder = environment.executableDirectory {
            candidates.append(Candidate(path: folder.appending(fileName), isBesideExecutable: true))
        }
        if let folder = environment.baseDirectory("XDG_CONFIG_HOME", inHome: ".config") {
            candidates.append(Candidate(path: folder.appending("rekkord").appending(fileName)))
        }
        candidates.append(Candidate(path: FilePath("/etc/rekkord").appending(fileName)))
        return candidates
    }

    /// Where a new file is found without being named, best first.
    public static func usualPaths(_ environment: ProcessEnvironment) -> [FilePath] {
        let paths = candidates(.search, environment).filter { !$0.isBesideExecutable }.map(\.path)
        // What is meant for all users of a machine comes last in a search.
        return environment.isRoot ? paths.reversed() : paths
    }

    /// Reads the first file that is there; nil when there is none and none was named.
    ///
    /// - Throws: `.usage` when it cannot be read, holds errors, or may have been written by somebody else.
    public static func load(
        _ request: Request,
        _ environment: ProcessEnvironment
    ) throws(RekkordError) -> (file: ConfigFile, warnings: [String])? {
        for candidate in candidates(request, environment) {
            if let found = try load(candidate, environment) { return found }
        }
        return nil
    }

    private static func load(
        _ candidate: Candidate,
        _ environment: ProcessEnvironment
    ) throws(RekkordError) -> (file: ConfigFile, warnings: [String])? {
        let path = candidate.path
        let content: (bytes: [UInt8], status: FileStatus)
        do {
            content = try WholeFile.read(path, limit: INIDocument.maxByteCount)
        } catch {
            if !candidate.isRequired, isAbsent(path) { return nil }
            throw RekkordError(.usage, "cannot read '\(path.printed)': \(error)")
        }
        if candidate.isBesideExecutable {
            try FileTrust.checkBesideExecutable(content.status, path, environment)
        }
        let file = try ConfigFile(content.bytes, path: path)
        var warnings = file.warnings
        if file.holdsSecret {
            warnings += try FileTrust.checkSecret(content.status, path, isRoot: environment.isRoot)
        }
        return (file, warnings)
    }

    /// Whether there is nothing at `path`, or in a folder that this user may not even enter.
    private static func isAbsent(_ path: FilePath) -> Bool {
        do {
            _ = try System.status(of: path.bytes)
            return false
        } catch {
            return error == .noSuchFileOrDirectory || error == .notDirectory || error == .permissionDenied
        }
    }
}
