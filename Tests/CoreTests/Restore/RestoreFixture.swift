import Glibc
import SystemPackage
import TestSupport

@testable import Core

/// A repository in memory, a folder, and restores from one to the other.
final class RestoreFixture {
    let folder: TemporaryDirectory
    let test: TestRepository
    let watch = SaveFixture.Watch()
    var options = RestoreOptions()
    var foreignFolders: [FileIdentity: String] = [:]
    /// What reads; the repository unless a test puts something in between.
    var source: any BlobSource
    /// What `-v` would print, in no particular order.
    let lines = Shared<[String]>([])
    var reportsLines = true
    /// Asked for interruptions besides the watch.
    var isInterrupted: @Sendable (RestoreProgress) -> Bool = { _ in false }

    init() throws {
        folder = try TemporaryDirectory()
        test = try TestRepository()
        source = test.repository
        options.threadCount = 3
        options.batchCount = 2
    }

    /// The time that entries of `TestRepository` bear.
    static let time = TestRepository.entry("", .file).mtime

    var target: FilePath { folder["target"] }

    // MARK: - Restoring

    @discardableResult
    func restore(_ identifier: String, to name: String = "target") throws -> RestoreResult {
        let resolver = SnapshotResolver(
            SnapshotReader(source),
            listTags: { [test] () throws(RekkordError) in try test.repository.listTags() },
            warn: { [watch] in watch.add($0) }
        )
        let target = try resolver.resolve(try Identifier(Array(identifier.utf8)))
        return try restore(RestoreSubject(target, name: identifier, resolver.reader), to: name)
    }

    /// Restores the content of one folder.
    @discardableResult
    func restore(_ children: [Entry], to name: String = "target") throws -> RestoreResult {
        try restore(test.store(children).description, to: name)
    }

    func restore(_ subject: RestoreSubject, to name: String) throws -> RestoreResult {
        try restorer().restore(subject, to: folder[name])
    }

    func restorer() -> Restorer {
        let progress = Shared<RestoreProgress?>(nil)
        let repository = test.repository
        let add: @Sendable (String) -> Void = { [lines] line in lines.withLock { $0.append(line) } }
        let restorer = Restorer(
            SnapshotReader(source),
            content: source,
            options: options,
            foreignFolders: foreignFolders,
            identify: { repository.identify($0, $1) },
            isInterrupted: { [watch, isInterrupted] in
                guard let progress = progress.value else { return false }
                return watch.isInterrupted || isInterrupted(progress)
            },
            warn: { [watch] in watch.add($0) },
            report: reportsLines ? add : nil
        )
        progress.withLock { $0 = restorer.progress }
        return restorer
    }

    /// The message of the error that a restore ends with.
    func failure(_ identifier: String, to name: String = "target") -> String? {
        do {
            try restore(identifier, to: name)
            return nil
        } catch {
            return (error as? RekkordError)?.message
        }
    }

    // MARK: - Looking

    func status(_ name: String) throws -> FileStatus { try System.status(of: folder[name].bytes) }

    func mode(_ name: String) throws -> UInt32 { try status(name).permissions }

    func text(_ name: String) throws -> String { String(decoding: try folder.read(name), as: UTF8.self) }

    func exists(_ name: String) -> Bool { (try? status(name)) != nil }

    func linkTarget(_ name: String) throws -> String {
        String(decoding: try System.linkTarget(of: folder[name].bytes, limit: 4096), as: UTF8.self)
    }

    /// All that is below a folder, by path, sorted; links are not followed.
    func tree(_ name: String = "target") throws -> [String] {
        var found: [String] = []
        var rest = [name]
        while let path = rest.popLast() {
            guard try status(path).type == .directory else { continue }
            for child in try TemporaryDirectory.names(in: folder[path]) {
                found.append(String((path + "/" + child).dropFirst(name.count + 1)))
                rest.append(path + "/" + child)
            }
        }
        return found.sorted()
    }

    func takeWarnings() -> [String] { watch.take().sorted() }
}

/// A value that the threads of a test share.
final class Shared<Value: Sendable>: Sendable {
    private let locked: Locked<Value>

    init(_ value: Value) { locked = Locked(value) }

    var value: Value { locked.withLock { $0 } }

    func withLock<R>(_ body: (inout Value) -> R) -> R { locked.withLock(body) }
}

extension TemporaryDirectory {
    /// The names in any folder.
    static func names(in path: FilePath) throws -> [String] {
        let folder = try System.open(path.bytes, flags: O_RDONLY | O_DIRECTORY)
        let names = try DirectoryNames(reading: folder.number)
        return (0..<names.count).map { PrintedName.escape(names[$0]) }
    }
}

/// Calls a closure before each blob is handed out.
struct HookedSource: BlobSource {
    let base: any BlobSource
    let hook: @Sendable (ObjectID) -> Void

    func blob(_ id: ObjectID, limit: Int) throws(RekkordError) -> Blob {
        hook(id)
        return try base.blob(id, limit: limit)
    }
}
