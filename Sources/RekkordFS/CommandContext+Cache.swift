import Core
import SystemPackage

extension CommandContext {
    /// The folder for everything that this machine keeps about a repository.
    ///
    /// - Throws: `.system` when nothing tells where caches are.
    func cacheFolder(of repository: Repository) throws(RekkordError) -> FilePath {
        guard let directory = cacheDirectory else {
            throw RekkordError(
                .system,
                "cannot use a cache: no home folder is known",
                hint: "use --cache-dir"
            )
        }
        return LocalCache.folder(
            in: directory,
            repositoryID: repository.repositoryID,
            url: repository.storage.displayURL
        )
    }

    /// Opens what this machine remembers about the content of a repository.
    func openCache(of repository: Repository) throws(RekkordError) -> LocalCache {
        try LocalCache(folder: try cacheFolder(of: repository), cacheID: repository.cacheID) { [console] in
            console.warn($0)
        }
    }

    /// The folders that no save may enter by itself, and why: the repository and the cache.
    func foreignFolders() throws(RekkordError) -> [FileIdentity: String] {
        var folders: [FileIdentity: String] = [:]
        if case .local(let path) = try location() { folders[path] = "the repository" }
        if let path = cacheDirectory { folders[path] = "the cache" }
        return folders
    }
}

extension [FileIdentity: String] {
    /// Notes the folder at `path`, if there is one.
    fileprivate subscript(path: FilePath) -> String? {
        get { nil }
        set {
            guard let status = try? System.status(of: path.bytes, followLinks: true) else { return }
            self[status.identity] = newValue
        }
    }
}
