import TestSupport
import Testing

@testable import Core

/// A link with latency: all loads that are under way at once are answered together, in one round trip.
private final class SlowLink: Sendable {
    private struct State {
        var queues: [[LoadLanes.Job]] = LoadLane.allCases.map { _ in [] }
        var roundTrips = 0
        var speculative = 0
    }

    private let connectionCount: Int
    private let state = Locked(State())

    init(connectionCount: Int) {
        self.connectionCount = connectionCount
    }

    /// How often somebody waited for all connections.
    var roundTrips: Int { state.withLock { $0.roundTrips } }

    func schedule(_ lane: LoadLane, _ job: @escaping LoadLanes.Job) -> Bool {
        state.withLock { state in
            if lane == .speculation, state.queues[lane.rawValue].count >= 256 { return false }
            state.queues[lane.rawValue].append(job)
            return true
        }
    }

    /// Answers as many loads as there are connections, the most urgent ones first.
    func answer() {
        let jobs = state.withLock { state in
            state.roundTrips += 1
            var jobs: [LoadLanes.Job] = []
            for lane in LoadLane.allCases {
                let limit = lane == .speculation ? connectionCount - 1 : connectionCount
                let count = min(max(0, limit - jobs.count), state.queues[lane.rawValue].count)
                jobs += state.queues[lane.rawValue].prefix(count)
                state.queues[lane.rawValue].removeFirst(count)
            }
            return jobs
        }
        for job in jobs { job {} }
    }

    /// Answers everything that is under way.
    func drain() {
        while state.withLock({ $0.queues.contains { !$0.isEmpty } }) { answer() }
    }
}

/// Counts round trips, which on a real link are what takes the time.
@Suite struct LatencyTests {
    private let made: TestRepository

    init() throws {
        made = try TestRepository()
    }

    /// A mount behind a slow link, and somebody who uses it one call after the other.
    private final class Client {
        let link: SlowLink
        let storage: FaultyStorage
        let cache: BlobCache<DecodedBlob>
        let view: MountedView

        init(_ made: TestRepository, _ top: ObjectID, connectionCount: Int) throws {
            let link = SlowLink(connectionCount: connectionCount)
            let storage = FaultyStorage(made.storage)
            let repository = try Repository.open(storage, keys: made.repository.keys)
            let owner = Owner(uid: 1, gid: 1)
            self.link = link
            self.storage = storage
            cache = BlobCache(byteLimit: 512 << 20, schedule: { link.schedule($0, $1) }) {
                (id, _) throws(RekkordError) in
                guard let decoded = try? DecodedBlob(try repository.get(id), owner: owner) else {
                    throw RekkordError(.corrupted, "\(id)")
                }
                return (decoded, decoded.memoryByteCount)
            }
            let stored = try SnapshotReader(repository).folder(top)
            let folder = SnapshotResolver.Folder(
                view: FolderView(stored: stored, overlay: nil),
                id: top,
                item: nil
            )
            var settings = MountSettings(mounter: owner, readAheadByteCount: 128_000_000)
            settings.connectionCount = connectionCount
            view = MountedView(
                MountRoot(folder, mounter: owner, SnapshotReader(repository)),
                cache: cache,
                settings: settings,
                emptyFile: nil,
                warn: { _ in }
            )
            storage.forgetRequests()
        }

        /// Waits for what an operation needs, as a program in a system call does.
        func run<Value>(_ operation: (LoadedBlobs) throws(Obstacle) -> Value) throws -> Value {
            var loaded = LoadedBlobs()
            while true {
                do throws(Obstacle) {
                    return try operation(loaded)
                } catch {
                    guard case .needs(let ids) = error else { throw RekkordError(.storage, "\(error)") }
                    for id in ids { loaded.add(id, wait(for: id)) }
                }
            }
        }

        private func wait(for id: ObjectID) -> LoadedBlobs.Outcome {
            let told = Locked<LoadedBlobs.Outcome?>(nil)
            switch cache.fetch(id, .demanding(id), { outcome in told.withLock { $0 = outcome } }) {
            case .found(let blob): return .success(blob)
            case .failed(let error): return .failure(error)
            case .loading: break
            }
            while true {
                link.answer()
                if let outcome = told.withLock({ $0 }) { return outcome }
            }
        }

        func list(_ node: NodeNumber) throws -> [ShownNode] {
            try run { (loaded) throws(Obstacle) in
                var shown: [ShownNode] = []
                try view.list(node, from: 0, loaded) { _, entry, offset in
                    if offset > 2 { shown.append(entry) }
                    return true
                }
                return shown
            }
        }

        /// Lists all folders, as `find` does; returns how many.
        func find(_ node: NodeNumber = .root) throws -> Int {
            try list(node).filter { $0.attributes.kind == .folder }.reduce(1) { try $0 + find($1.node) }
        }

        func lookup(_ name: String) throws -> ShownNode? {
            try run { (loaded) throws(Obstacle) in
                try Array(name.utf8).withRawBytes { (name) throws(Obstacle) in
                    try view.lookup(name, in: .root, loaded)
                }
            }
        }

        func read(_ node: NodeNumber, at offset: Int, count: Int) throws -> Int {
            try run { (loaded) throws(Obstacle) in
                try view.read(node, at: UInt64(offset), count: count, loaded)
            }.byteCount
        }
    }

    /// A folder with folders in it, `widths` of them on each level, all different; returns it and their number.
    private func tree(_ widths: ArraySlice<Int>, _ name: String = "t") throws -> (entry: Entry, count: Int) {
        guard let width = widths.first else {
            return (try made.folder(name, [TestRepository.entry("file \(name)", .file)]), 1)
        }
        let children = try (0..<width).map { try tree(widths.dropFirst(), "\(name)-\($0)") }
        return (try made.folder(name, children.map(\.entry)), children.reduce(1) { $0 + $1.count })
    }

    @Test(
        "find takes less than a tenth of one request after the other",
        arguments: [[300], [7, 7, 7], [30, 10], [3, 4, 4, 7]]
    )
    func find(widths: [Int]) throws {
        let (entry, count) = try tree(widths[...])
        let client = try Client(made, try #require(entry.objectID), connectionCount: 16)
        #expect(try client.find() == count)
        #expect(client.link.roundTrips < count / 10)
        client.link.drain()
        // Nothing is fetched that was not listed, and nothing twice.
        #expect(client.storage.requests.count == count)
    }

    @Test("who walks through one folder fetches none beside it")
    func walkInside() throws {
        let (entry, count) = try tree([2, 30, 4])
        let client = try Client(made, try #require(entry.objectID), connectionCount: 16)
        let first = try #require(try client.lookup("t-0"))
        #expect(try client.find(first.node) == (count - 1) / 2)
        client.link.drain()
        #expect(client.storage.requests.count == 1 + (count - 1) / 2)
        // Who goes on to the next one does so at the same speed.
        let before = client.link.roundTrips
        let second = try #require(try client.lookup("t-1"))
        #expect(try client.find(second.node) == (count - 1) / 2)
        #expect(client.link.roundTrips - before < count / 20)
    }

    @Test("who looks into one folder fetches no other")
    func noWalk() throws {
        let (entry, _) = try tree([50, 2])
        let client = try Client(made, try #require(entry.objectID), connectionCount: 16)
        _ = try client.list(.root)
        _ = try client.list(.root)
        client.link.drain()
        #expect(client.storage.requests.count == 1)
    }

    @Test("two that walk through different parts at once are both recognised")
    func twoWalkers() throws {
        let (entry, count) = try tree([2, 150])
        let client = try Client(made, try #require(entry.objectID), connectionCount: 16)
        let halves = try client.list(.root).map { try client.list($0.node) }
        for (left, right) in zip(halves[0], halves[1]) {
            _ = try client.list(left.node)
            _ = try client.list(right.node)
        }
        #expect(client.link.roundTrips < count / 10)
    }

    @Test("copying the small files of a folder takes a twentieth of one request after the other")
    func smallFiles() throws {
        let files = try (0..<400).map { try made.file("f\($0)", "content \($0)") }
        let client = try Client(made, try made.store(files), connectionCount: 32)
        let shown = try client.list(.root)
        for file in shown { #expect(try client.read(file.node, at: 0, count: 4096) > 0) }
        #expect(client.link.roundTrips <= 400 / 20)
    }

    @Test("links are looked at side by side")
    func links() throws {
        let links = try (0..<400).map { try made.link("l\($0)", "target \($0)") }
        let client = try Client(made, try made.store(links), connectionCount: 32)
        _ = try client.list(.root)
        for index in 0..<400 {
            #expect(try client.lookup("l\(index)")?.attributes.size == UInt64("target \(index)".utf8.count))
        }
        #expect(client.link.roundTrips <= 400 / 20)
    }

    /// A file of chunks of 1000 bytes.
    private func largeFile(_ chunkCount: Int) throws -> ObjectID {
        let chunks = try (0..<chunkCount).map { index in
            let bytes = [UInt8](repeating: UInt8(index % 251), count: 900) + Array("\(index + 100_000)".utf8)
            return FileTable.Chunk(
                offset: Int64(index) * 1000,
                byteCount: 1000,
                hash: try made.store(.chunk, bytes + [UInt8](repeating: 0, count: 1000 - bytes.count)).hash
            )
        }
        let size = Int64(chunkCount) * 1000
        let table = try made.store(.file, FileTable.encode(chunks, size: size))
        return try made.store([TestRepository.entry("f", .file, hash: table.hash, size: size)])
    }

    @Test("the first byte of a large file takes two round trips when its folder is known")
    func firstByte() throws {
        let client = try Client(made, try largeFile(20), connectionCount: 16)
        let file = try #require(try client.list(.root).first)
        let before = client.link.roundTrips
        #expect(try client.read(file.node, at: 0, count: 1) == 1)
        #expect(client.link.roundTrips - before <= 2)
    }

    @Test("reading in sequence keeps the connections busy")
    func sequence() throws {
        let client = try Client(made, try largeFile(400), connectionCount: 16)
        let file = try #require(try client.list(.root).first)
        for offset in stride(from: 0, to: 400_000, by: 500) {
            #expect(try client.read(file.node, at: offset, count: 500) == 500)
        }
        // 25 with all connections busy from the first to the last.
        #expect(client.link.roundTrips <= 36)
        #expect(client.storage.requests.count == 402)
    }

    @Test(
        "reading here and there fetches at most a quarter more than it needs",
        arguments: 1...5 as ClosedRange<UInt64>
    )
    func randomAccess(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let client = try Client(made, try largeFile(400), connectionCount: 16)
        let file = try #require(try client.list(.root).first)
        var needed: Set<Int> = []
        for _ in 0..<200 {
            let offset = Int(random.next() % 399_000)
            needed.formUnion([offset / 1000, (offset + 99) / 1000])
            #expect(try client.read(file.node, at: offset, count: 100) == 100)
        }
        client.link.drain()
        #expect(client.storage.requests.count - 2 <= needed.count * 5 / 4)
    }
}
