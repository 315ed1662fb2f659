import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// A folder, a repository in memory and a cache on disk, and saves from one to the other.
final class SaveFixture {
    let folder: TemporaryDirectory
    let test: TestRepository
    let storage: FaultyStorage
    let watch = Watch()
    var options = SaveOptions()
    var foreignFolders: [FileIdentity: String] = [:]
    var usesCache = true

    /// What the threads of a save tell and ask.
    final class Watch: Sendable {
        private let warnings = Locked<[String]>([])
        private let callsLeft = Locked<Int?>(nil)

        func add(_ warning: String) { warnings.withLock { $0.append(warning) } }

        func take() -> [String] {
            warnings.withLock { warnings in
                defer { warnings = [] }
                return warnings
            }
        }

        /// Interrupts the save when it asked so often whether it is; nil for never.
        func interrupt(after calls: Int?) { callsLeft.withLock { $0 = calls } }

        var isInterrupted: Bool {
            callsLeft.withLock { calls in
                guard let left = calls else { return false }
                calls = max(0, left - 1)
                return left == 0
            }
        }
    }

    init() throws {
        folder = try TemporaryDirectory()
        test = try TestRepository()
        storage = FaultyStorage(test.storage)
        // As if everything had been written long ago, so that the cache may remember it.
        options.clock = {
            let now = FileStatus.Time.now()
            return FileStatus.Time(seconds: now.seconds + 10, nanoseconds: now.nanoseconds)
        }
        options.threadCount = 3
        try System.makeFolders(tree, mode: 0o700)
    }

    var tree: FilePath { folder["tree"] }
    var cacheFolder: FilePath { folder["cache"] }

    @discardableResult
    func write(_ name: String, _ content: String) throws -> FilePath {
        try folder.write("tree/" + name, content)
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        try folder.write("tree/" + name, bytes)
    }

    func link(_ name: String, to target: String) {
        symlink(target, folder["tree/" + name].string)
    }

    func openCache() throws -> LocalCache {
        try LocalCache(folder: cacheFolder, cacheID: test.repository.cacheID) { [watch] in watch.add($0) }
    }

    func saver(_ keys: KeySet? = nil) throws -> Saver {
        let repository = try Repository.open(storage, keys: keys ?? test.repository.keys)
        return try Saver(
            repository,
            cache: usesCache ? try openCache() : nil,
            options: options,
            foreignFolders: foreignFolders,
            progress: SaveProgress(),
            isInterrupted: { [watch] in watch.isInterrupted },
            warn: { [watch] in watch.add($0) }
        )
    }

    func operand(_ path: FilePath) throws -> SaveOperand {
        try SaveOperand(path, workingDirectory: folder.path)
    }

    @discardableResult
    func save(_ paths: FilePath...) throws -> SaveResult {
        let operands = try (paths.isEmpty ? [tree] : paths).map { try operand($0) }
        return try saver().save(operands, channel: Array("test".utf8))
    }

    /// Saves the tree and tells how many bytes of files were read for it.
    func bytesRead() throws -> Int {
        let saver = try saver()
        _ = try saver.save([operand(tree)], channel: Array("test".utf8))
        return saver.progress.byteCount
    }

    func takeWarnings() -> [String] { watch.take() }

    // MARK: - Reading back

    /// The root entries of a snapshot.
    func roots(_ result: SaveResult) throws -> [Entry] {
        try SnapshotBlob(test.repository.get(try #require(result.object))).roots
    }

    /// The only root's object.
    func rootHash(_ result: SaveResult) throws -> Hash32 {
        try roots(result)[0].attributes.hash
    }

    /// All entries of a snapshot by path, the root's own name left out.
    func entries(_ result: SaveResult) throws -> [String: Entry] {
        var entries: [String: Entry] = [:]
        var rest = try roots(result).map { ("", $0) }
        while let (path, entry) = rest.popLast() {
            entries[path] = entry
            guard entry.attributes.kind == .directory, let id = entry.objectID else { continue }
            let folder = try DirectoryBlob(test.repository.get(id))
            for index in 0..<folder.count {
                let child = folder.entry(at: index)
                let name = PrintedName.escape(child.name)
                rest.append((path.isEmpty ? name : path + "/" + name, child))
            }
        }
        return entries
    }

    /// The bytes of a file or the target of a link.
    func content(_ entry: Entry) throws -> [UInt8] {
        guard let id = entry.objectID else { return [] }
        let blob = try test.repository.get(id)
        guard blob.type == .file else { return blob.bytes.array }
        let table = try FileTable(blob.bytes)
        return try (0..<table.count).flatMap {
            try test.repository.get(table.chunk(at: $0).objectID).bytes.array
        }
    }

    func text(_ entry: Entry?) throws -> String? {
        try entry.map { String(decoding: try content($0), as: UTF8.self) }
    }
}
