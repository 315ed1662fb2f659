public import SystemPackage

extension Repository {
    /// Reads all tags with one listing; only those that are new since the last one cost more than that.
    ///
    /// Needs a key with Log.
    public func listTags() throws(RekkordError) -> TagListing {
        var names: [String] = []
        try storage.list(prefix: ObjectNames.tags) { names.append($0.name) }
        return TagListing(tagWatch.parse(names, keys))
    }

    /// Has `listTags` remember on disk, in the folder of the repository's cache, which tags are good.
    public func rememberTags(in folder: FilePath) {
        tagWatch.use(TagMemory(folder: folder, keys: keys, repositoryID: repositoryID, cacheID: cacheID))
    }

    /// Removes what was remembered there, with any key.
    public static func forgetTags(in folder: FilePath) throws(RekkordError) {
        try TagMemory.removeAll(in: folder)
    }
}
