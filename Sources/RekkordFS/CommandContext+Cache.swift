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

    /// Whether this machine remembers anything about the content of a repository.
    func hasCache(of repository: Repository) throws(RekkordError) -> Bool {
        let file = try cacheFolder(of: repository).appending(LocalCache.fileName)
        return (try? System.status(of: file.bytes)) != nil
    }

    /// Opens what this machine remembers about the content of a repository.
    func openCache(of repository: Repository) throws(RekkordError) -> LocalCache {
        try LocalCache(folder: try cacheFolder(of: repository), cacheID: repository.cacheID) { [console] in
            console.warn($0)
        }
    }

    /// Opens what this machine keeps of a repository's objects; nil when it is to keep nothing.
    ///
    /// - Parameters:
    ///   - total: What `--disk-cache-size` says instead of the configuration.
    ///   - queueByteCount: How much may wait to be written to it.
    ///   - warn: Gets a line when there can be no such cache, now or later.
    func openObjectCache(
        of repository: Repository,
        total: Int? = nil,
        queueByteCount: Int = ObjectCache.usualQueueByteCount,
        warn: @escaping @Sendable (String) -> Void
    ) -> ObjectCache? {
        let limits =
            total.map { ObjectCacheLimits.total($0) }
            ?? .separate(metadata: settings.cache.metadataSize, content: settings.cache.blobSize)
        if limits.isNothing { return nil }
        do {
            return try ObjectCache(
                folder: try cacheFolder(of: repository),
                cacheID: repository.cacheID,
                limits: limits,
                objectByteLimit: Repository.maxObjectByteCount,
                queueByteCount: queueByteCount,
                warn: warn
            )
        } catch {
            warn(error.message)
            return nil
        }
    }

    /// Opens what scans of this machine know of a repository; nil when there was none.
    func openScanMemory(of repository: Repository) throws(RekkordError) -> ScanMemory? {
        guard cacheDirectory != nil else { return nil }
        let folder = try cacheFolder(of: repository)
        guard ScanMemory.exists(in: folder) else { return nil }
        return try ScanMemory(folder: folder) { [console] in console.warn($0) }
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
