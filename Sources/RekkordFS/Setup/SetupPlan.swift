import Core
import Glibc
import SystemPackage

/// What `setup` is going to write.
struct SetupPlan {
    /// Where the key comes from.
    enum KeyOrigin: String, CaseIterable {
        case new, derived, imported
    }

    let configPath: FilePath
    let config: [UInt8]
    let keyPath: FilePath
    /// The text of the key file; nil for one that is there and stays as it is.
    let key: [UInt8]?
    let keys: KeySet
    let origin: KeyOrigin

    /// Writes the key file, then the configuration file that names it; both or, with an error, none.
    ///
    /// - Parameters:
    ///   - replace: Whether the configuration file may be there. A key file never may: it can be the only one that
    ///     opens a repository.
    ///   - isInterrupted: Asked between the two.
    func write(replace: Bool, isInterrupted: () -> Bool) throws(RekkordError) {
        if isInterrupted() { throw Self.interruption }
        try makeFolder(of: configPath)
        guard let key else { return try SecretFile.write(config, to: configPath, replace: replace) }
        try makeFolder(of: keyPath)
        do {
            try SecretFile.write(key, to: keyPath, replace: false)
        } catch {
            throw RekkordError(error.kind, error.message)
        }
        do throws(RekkordError) {
            if isInterrupted() { throw Self.interruption }
            try SecretFile.write(config, to: configPath, replace: replace)
        } catch {
            _ = keyPath.withPlatformString { unlink($0) }
            throw error
        }
    }

    private static let interruption = RekkordError(.interrupted, "interrupted")

    private func makeFolder(of path: FilePath) throws(RekkordError) {
        let folder = path.removingLastComponent()
        do {
            try System.makeFolders(folder, mode: 0o700)
        } catch {
            throw RekkordError(.system, "cannot make '\(folder.printed)': \(error)")
        }
    }
}
