import TestSupport
import Testing

@testable import Core

/// A view of a repository in memory; every operation loads what it needs on the thread of the test.
struct MountBench {
    let repository: TestRepository
    let view: MountedView
    let storage: FaultyStorage
    let cache: BlobCache<DecodedBlob>
    private let told = Lines()

    init(_ repository: TestRepository, _ identifier: String, cacheByteLimit: Int = 1 << 20) throws {
        self.repository = repository
        let storage = FaultyStorage(repository.storage)
        self.storage = storage
        let opened = try Repository.open(storage, keys: repository.repository.keys)
        let owner = Owner(uid: 7, gid: 8)
        cache = BlobCache(
            byteLimit: cacheByteLimit,
            schedule: { lane, job in
                // Nothing is fetched ahead, so that requests can be counted.
                if lane == .speculation { return false }
                job {}
                return true
            },
            load: { (id, _) throws(RekkordError) in
                let blob = try opened.get(id)
                do throws(FormatError) {
                    let decoded = try DecodedBlob(blob, owner: owner)
                    return (decoded, decoded.memoryByteCount)
                } catch {
                    throw RekkordError(.corrupted, "\(id): \(error.reason)")
                }
            }
        )
        let resolver = SnapshotResolver(opened, warn: { _ in })
        let root: MountRoot
        switch try resolver.resolve(try Identifier(Array(identifier.utf8))) {
        case .snapshot(let snapshot): root = MountRoot(snapshot)
        case .folder(let folder): root = MountRoot(folder, mounter: owner, resolver.reader)
        case .repository: root = MountRoot(repositoryID: opened.repositoryID, mounter: owner)
        case .leaf: throw RekkordError(.notFound, "leaf")
        }
        var settings = MountSettings(mounter: owner)
        settings.refreshSeconds = 60
        view = MountedView(
            root,
            cache: cache,
            settings: settings,
            emptyFile: opened.identifyEmptyFile(),
            warn: { [told] in told.add($0) }
        )
        if case .repository = try Identifier(Array(identifier.utf8)).target {
            _ = view.update(try opened.listTags(), at: nil)
        }
    }

    /// What the view warned of.
    var warnings: [String] { told.all }

    /// Runs an operation, with what it needs, until it has a result or fails.
    func run<Value>(_ operation: (LoadedBlobs) throws(Obstacle) -> Value) throws(MountFailure) -> Value {
        var loaded = LoadedBlobs()
        while true {
            do throws(Obstacle) {
                return try operation(loaded)
            } catch {
                switch error {
                case .fails(let failure): throw failure
                case .needs(let ids), .advances(_, let ids):
                    if case .advances(let work, _) = error { loaded = LoadedBlobs(continuing: work) }
                    for id in ids {
                        let told = Told()
                        switch cache.fetch(id, .demand, { outcome in told.set(outcome) }) {
                        case .found(let blob): loaded.add(id, .success(blob))
                        case .failed(let error): loaded.add(id, .failure(error))
                        case .loading: loaded.add(id, told.outcome)
                        }
                    }
                }
            }
        }
    }

    func lookup(_ name: String, in parent: NodeNumber = .root) throws(MountFailure) -> ShownNode? {
        try run { (loaded) throws(Obstacle) in
            try Array(name.utf8).withRawBytes { (name) throws(Obstacle) in
                try view.lookup(name, in: parent, loaded)
            }
        }
    }

    func find(_ path: String) throws -> ShownNode {
        var found: ShownNode?
        for name in path.split(separator: "/") {
            found = try lookup(String(name), in: found?.node ?? .root)
            if found == nil { throw RekkordError(.notFound, path) }
        }
        return try #require(found)
    }

    /// - Parameter each: Is told the names, also when the listing fails behind them.
    func list(
        _ node: NodeNumber,
        atATime limit: Int = .max,
        each: (String) -> Void = { _ in }
    ) throws(MountFailure) -> [(String, ShownNode)] {
        var all: [(String, ShownNode)] = []
        var offset: UInt64 = 0
        while true {
            let start = offset
            var part: [(String, ShownNode, UInt64)] = []
            try run { (loaded) throws(Obstacle) in
                part = []
                try view.list(node, from: start, loaded) { name, shown, next in
                    guard part.count < limit else { return false }
                    part.append((String(decoding: name, as: UTF8.self), shown, next))
                    return true
                }
            }
            guard let last = part.last else { return all }
            offset = last.2
            part.forEach { each($0.0) }
            all += part.map { ($0.0, $0.1) }
        }
    }

    func read(_ node: NodeNumber, at offset: UInt64 = 0, count: Int = 1 << 20) throws(MountFailure)
        -> FileBytes
    {
        try run { (loaded) throws(Obstacle) in try view.read(node, at: offset, count: count, loaded) }
    }

    func attributes(_ node: NodeNumber) throws(MountFailure) -> NodeAttributes {
        try run { (loaded) throws(Obstacle) in try view.attributes(of: node, loaded).attributes }
    }

    func extended(_ name: String, of node: NodeNumber) throws(MountFailure) -> String {
        let value = try run { (loaded) throws(Obstacle) in
            try view.extendedAttribute(Array(name.utf8), of: node, loaded)
        }
        return String(decoding: value, as: UTF8.self)
    }

    func text(_ node: NodeNumber) throws(MountFailure) -> String {
        String(decoding: try read(node).joined, as: UTF8.self)
    }
}

private final class Lines: Sendable {
    private let lines = Locked<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private final class Told: Sendable {
    private let value = Locked<LoadedBlobs.Outcome?>(nil)

    func set(_ outcome: LoadedBlobs.Outcome) { value.withLock { $0 = outcome } }

    var outcome: LoadedBlobs.Outcome {
        value.withLock { $0 } ?? .failure(RekkordError(.storage, "never told"))
    }
}

extension FileBytes {
    var joined: [UInt8] {
        pieces.flatMap { piece in piece.buffer.withBytes { Array($0[piece.range]) } }
    }
}
