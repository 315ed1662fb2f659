extension MountedView {
    private static let zeros = ByteBuffer([UInt8](repeating: 0, count: 131_072))
    /// How many chunks one read waits for at a time.
    private static let maxNeededCount = 64
    /// A reader that paused for longer wants nothing fetched ahead.
    private static let idleMilliseconds: Int64 = 3000

    /// The bytes of a file from `offset` on: `count` of them, or fewer at the end of the file only.
    public func read(
        _ node: NodeNumber,
        at offset: UInt64,
        count: Int,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> FileBytes {
        if let reader = readers.reader(of: node) {
            return try read(reader, node, at: offset, count: count, loaded)
        }
        if isReport(node) { return readReport(at: offset, count: count) }
        let spot = try spot(node, loaded)
        let attributes = spot.folder.attributes(at: spot.index)
        guard Self.kind(of: attributes) == .file else {
            throw .fails(Self.kind(of: attributes) == .folder ? .isFolder : .stale)
        }
        guard attributes.flags.contains(.stated), let id = attributes.objectID else {
            throw .fails(.unreadable)
        }
        let entrySize = UInt64(max(0, attributes.size))
        let content: DecodedBlob
        do {
            content = try blob(id, loaded)
        } catch {
            if case .needs = error, let content = spot.content { readSiblings(content, spot, waited: true) }
            throw error
        }
        if let content = spot.content { readSiblings(content, spot, waited: false) }
        switch content {
        case .chunk(let bytes):
            var result = FileBytes()
            let size = UInt64(bytes.count)
            if offset < size {
                result.append(bytes, Int(offset)..<Int(min(size, offset + UInt64(count))))
            }
            result.correction = correction(id, node, size, entrySize)
            return result
        case .table(let table):
            let reader = ReaderTable.Reader(id, table, entrySize: entrySize)
            readers.add(node, reader)
            return try read(reader, node, at: offset, count: count, loaded)
        case .link, .folder, .snapshot:
            throw .fails(.damaged(Self.wrongType(id, "file")))
        }
    }

    private func read(
        _ reader: ReaderTable.Reader,
        _ node: NodeNumber,
        at offset: UInt64,
        count: Int,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> FileBytes {
        let table = reader.table
        let size = UInt64(table.size)
        var result = FileBytes()
        result.correction = correction(reader.id, node, size, reader.entrySize)
        guard offset < size, count > 0 else { return result }
        let start = Int64(offset)
        let end = Int64(min(size, offset + UInt64(count)))
        let first = table.firstIndex(endingAfter: start)
        let last = max(first, table.firstIndex(endingAfter: end - 1))
        var chunks: [DecodedBlob] = []
        var missing: [ObjectID] = []
        for index in first...last {
            let id = table.chunk(at: index).objectID
            do {
                chunks.append(try blob(id, loaded))
            } catch {
                guard case .needs(let ids) = error else { throw error }
                missing += ids
                if missing.count == Self.maxNeededCount { break }
            }
        }
        // Once for each request, however often it is tried.
        if !(first...last).contains(where: { loaded[table.chunk(at: $0).objectID] != nil }) {
            let isBulk = count >= ReadAhead.bulkByteCount
            readAhead(reader, first...last, waited: !missing.isEmpty, isBulk: isBulk)
            reader.scatter.withLock { $0.note(offset..<UInt64(end), isBulk: isBulk) }
        }
        guard missing.isEmpty else { throw .needs(missing) }
        var position = start
        for (index, blob) in zip(first...last, chunks) {
            let chunk = table.chunk(at: index)
            guard case .chunk(let bytes) = blob, bytes.count == Int(chunk.byteCount) else {
                let error = RekkordError(.corrupted, "\(chunk.objectID): wrong type or size")
                throw .fails(.damaged(error))
            }
            fill(&result, from: &position, to: min(end, chunk.offset))
            let stop = min(end, chunk.end)
            if position < stop {
                result.append(bytes, Int(position - chunk.offset)..<Int(stop - chunk.offset))
                position = stop
            }
        }
        fill(&result, from: &position, to: end)
        if case .none = result.correction, size == reader.entrySize {
            for (index, blob) in zip(first...last, chunks) {
                let chunk = table.chunk(at: index)
                let waited = loaded[chunk.objectID] != nil
                guard case .chunk(let bytes) = blob,
                    reader.scatter.withLock({ $0.wantsWhole(index, waited: waited) }),
                    let extent = PageExtent(of: chunk, bytes, fileSize: table.size)
                else { continue }
                result.spare.append(extent)
            }
        }
        return result
    }

    /// A gap between chunks reads as zeros.
    private func fill(_ result: inout FileBytes, from position: inout Int64, to end: Int64) {
        while position < end {
            let count = Int(min(end - position, Int64(Self.zeros.count)))
            result.append(Self.zeros, 0..<count)
            position += Int64(count)
        }
    }

    private func correction(
        _ id: ObjectID,
        _ node: NodeNumber,
        _ size: UInt64,
        _ entrySize: UInt64
    ) -> SizeCorrection {
        guard size != entrySize, sizes.correct(id, size, of: node) else { return .none }
        return size > entrySize ? .grew : .shrank
    }

    // MARK: Ahead of need

    private func readAhead(
        _ reader: ReaderTable.Reader,
        _ chunks: ClosedRange<Int>,
        waited: Bool,
        isBulk: Bool
    ) {
        let now = MonotonicTime.milliseconds()
        reader.use(at: now)
        let byteLimit = min(settings.readAheadByteCount, cache.byteLimit / 2)
        let wanted = reader.readAhead.withLock { readAhead in
            readAhead.note(
                chunks,
                waited: waited,
                isBulk: isBulk,
                maxWindow: Self.windowPerConnection * settings.connectionCount,
                byteLimit: byteLimit / readers.activeCount(since: now - Self.idleMilliseconds),
                in: reader.table
            )
        }
        for index in wanted {
            let outcome = cache.prefetch(reader.table.chunk(at: index).objectID) {
                reader.isUsed(since: MonotonicTime.milliseconds() - Self.idleMilliseconds)
            }
            if case .refused = outcome {
                reader.readAhead.withLock { $0.giveBack(from: index) }
                return
            }
        }
    }
}
