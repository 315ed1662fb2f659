import TestSupport
import Testing

@testable import Core

@Suite struct TreeWalkTests {
    /// Writes down what it is told, and ends the walk after `limit` entries.
    private struct Recorder: TreeVisitor {
        var lines: [String] = []
        var depth = 0
        var entries = 0
        var limit = Int.max
        var failures: [String] = []
        var unwanted: [UInt8]?

        mutating func begin(_ item: FolderView.Item, depth: Int) throws(RekkordError) -> Bool {
            #expect(depth == self.depth)
            entries += 1
            if entries > limit { throw RekkordError(.interrupted, "enough") }
            lines.append(
                String(repeating: " ", count: depth) + String(decoding: item.entry.name, as: UTF8.self)
            )
            return item.entry.name != unwanted
        }
        mutating func open(_ view: FolderView, path: [UInt8]) throws(RekkordError) { depth += 1 }
        mutating func close() throws(RekkordError) { depth -= 1 }
        mutating func end(_ item: FolderView.Item, depth: Int) throws(RekkordError) {
            #expect(depth == self.depth)
        }
        mutating func fail(_ error: RekkordError) throws(RekkordError) { failures.append(error.message) }
    }

    private let test: TestRepository

    init() throws {
        test = try TestRepository()
    }

    private func walk(
        _ item: FolderView.Item,
        isRecursive: Bool = true,
        maxHeldByteCount: Int = TreeWalk.maxHeldByteCount,
        limit: Int = .max
    ) -> Recorder {
        var recorder = Recorder(limit: limit)
        var walk = TreeWalk(
            SnapshotReader(test.repository),
            isRecursive: isRecursive,
            maxHeldByteCount: maxHeldByteCount
        )
        try? walk.visit(item, &recorder)
        return recorder
    }

    @Test("a source that reads ahead hears of each folder before it is asked for it")
    func readsAhead() throws {
        let files = try (0..<3).map { try test.file("f\($0)", "\($0)") }
        let leaves = try (0..<60).map { try test.folder("d\($0)", files + [test.file("own", "\($0)")]) }
        let top = try test.folder("top", files + [test.folder("a", leaves), test.folder("b", leaves)])
        let storage = FaultyStorage(test.storage)
        let repository = try Repository.open(storage, keys: test.repository.keys)
        storage.forgetRequests()
        let source = try BlobsAhead(CachedBlobs(repository, cache: nil), connectionCount: 4)
        var ahead = TreeWalk(SnapshotReader(source), isRecursive: true)
        var recorder = Recorder()
        try ahead.visit(FolderView.Item(top), &recorder)
        source.close()
        #expect(recorder.lines == walk(FolderView.Item(top)).lines)
        // Equal folders are read once; nothing is read that is not visited.
        #expect(storage.requests.count == 62)
        #expect(Set(storage.requests).count == 62)
        #expect(source.expectedCount >= 55)
    }

    private func sample() throws -> Entry {
        let inner = try test.folder("inner", [test.file("x", "1"), test.file("y", "2")])
        return try test.folder("top", [inner, test.file("a", "3"), test.folder("empty", []), inner])
    }

    @Test(
        "entries come in stored order, each folder right before what it holds",
        arguments: [0, 1000, 1 << 20]
    )
    func order(maxHeldByteCount: Int) throws {
        let top = try sample()
        var expected = ["top", " inner", "  x", "  y", " a", " empty"]
        #expect(walk(.init(top), maxHeldByteCount: maxHeldByteCount).lines == expected)
        expected = ["top"]
        #expect(walk(.init(top), isRecursive: false).lines == expected)
    }

    @Test("a folder that was opened already is walked through at depth 0")
    func opened() throws {
        let top = try sample()
        var recorder = Recorder()
        var walk = TreeWalk(SnapshotReader(test.repository), isRecursive: false)
        let view = try SnapshotReader(test.repository).open(.init(top))
        try walk.visit(view, &recorder)
        #expect(recorder.lines == ["inner", "a", "empty"])
    }

    @Test("a folder that cannot be read is reported by path, the rest is shown")
    func damage() throws {
        let bad = try test.folder("bad", [test.file("z", "9")])
        let top = try test.folder(
            "top",
            [bad, TestRepository.entry("locked", .directory), test.file("a", "1")]
        )
        let id = try #require(bad.objectID)
        test.storage[id.objectName] = nil
        let recorder = walk(.init(top))
        #expect(recorder.lines == ["top", " bad", " locked", " a"])
        #expect(recorder.failures == ["cannot read 'top/bad': \(id): object is missing"])
    }

    @Test("a deep tree is walked without recursion, however little may be held", arguments: [0, 1 << 20])
    func deep(maxHeldByteCount: Int) throws {
        var item = try test.folder("d", [])
        for _ in 0..<2000 { item = try test.folder("d", [item, test.file("after", "1")]) }
        let recorder = walk(.init(item), maxHeldByteCount: maxHeldByteCount)
        #expect(recorder.entries == 4001 && recorder.failures.isEmpty && recorder.depth == 0)
    }

    @Test("a folder on 2^60 paths is walked piece by piece")
    func shared() throws {
        var item = try test.folder("a", [])
        for _ in 0..<60 {
            var twin = item
            twin.name = Array("b".utf8)
            item = try test.folder("a", [item, twin])
        }
        #expect(walk(.init(item), limit: 10_000).entries == 10_001)
    }
}
