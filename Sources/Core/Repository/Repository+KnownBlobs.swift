/// What is stored, as a listing tells it.
extension Repository {
    private static let groupCount = 8_192

    /// Fills a cache with every blob that is stored.
    public func listBlobs(into cache: LocalCache) throws(RekkordError) {
        try listBlobs { cache.remember(blobs: $0, records: []) }
        cache.markExhaustive()
    }

    /// Lists every blob that is stored, in groups.
    ///
    /// An object without bytes is no blob; a name that is not one of a blob is none of ours.
    func listBlobs(_ body: ([LocalCache.StoredBlob]) -> Void) throws(RekkordError) {
        var group: [LocalCache.StoredBlob] = []
        try storage.list(prefix: ObjectNames.blobs) { object in
            guard object.byteCount > 0, let id = ObjectNames.blob(named: object.name) else { return }
            group.append(LocalCache.StoredBlob(id: id, byteCount: Int64(object.byteCount)))
            if group.count == Self.groupCount {
                body(group)
                group.removeAll(keepingCapacity: true)
            }
        }
        if !group.isEmpty { body(group) }
    }
}
