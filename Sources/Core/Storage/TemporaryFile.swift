internal import Glibc
internal import SystemPackage

/// An object under a private name in `tmp/`, not yet visible.
///
/// - Source: rekkord-format(5), "OBJECTS".
struct TemporaryFile {
    static let folder = "tmp"
    private static let nameLength = 24
    private static let suffix = ".tmp"
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    /// A file that nobody has renamed for so long belongs to a save that died.
    private static let staleAfterSeconds: Int64 = 24 * 3600

    private let storage: LocalStorage
    private let path: [UInt8]

    /// Writes `bytes` to a new file; on disk on return when `isSynced`.
    init(for storage: LocalStorage, _ bytes: UnsafeRawBufferPointer, isSynced: Bool) throws(Errno) {
        self.storage = storage
        let (file, path) = try Self.create(storage)
        self.path = path
        do throws(Errno) {
            var written = 0
            while written < bytes.count {
                written += try System.check {
                    Glibc.write(
                        file.number,
                        bytes.baseAddress.unsafelyUnwrapped + written,
                        bytes.count - written
                    )
                }
            }
            if isSynced { try System.check { fsync(file.number) } }
        } catch {
            remove()
            throw error
        }
    }

    /// 24 letters from two random numbers, each good for twelve; asking for every letter is a system call each.
    private static func randomName() -> String {
        var name: [UInt8] = []
        for _ in 0..<2 {
            var number = UInt64.random(in: .min ... .max)
            for _ in 0..<nameLength / 2 {
                name.append(alphabet[Int(number % UInt64(alphabet.count))])
                number /= UInt64(alphabet.count)
            }
        }
        return String(decoding: name, as: UTF8.self)
    }

    private static func create(_ storage: LocalStorage) throws(Errno) -> (Descriptor, [UInt8]) {
        while true {
            let path = storage.path(folder + "/" + randomName() + suffix)
            do {
                let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
                return (try System.open(path, flags: flags, mode: 0o644), path)
            } catch .fileExists {
                continue
            } catch .noSuchFileOrDirectory {
                // A copied repository may lack its empty folders; without its root it is absent.
                try System.withCString(storage.path(folder)) { (path) throws(Errno) in
                    _ = try System.check { mkdir(path, 0o755) }
                }
            }
        }
    }

    /// Gives the file its final name, making missing folders on the way.
    ///
    /// - Parameter isSynced: Whether the name is on disk on return.
    func moveIntoPlace(_ name: String, _ mode: WriteMode, isSynced: Bool) throws(Errno) -> WriteOutcome {
        do throws(Errno) {
            let outcome: WriteOutcome
            do {
                outcome = try rename(name, mode)
            } catch .noSuchFileOrDirectory {
                try LocalLayout.makeFolders(of: name, in: storage)
                outcome = try rename(name, mode)
            }
            if isSynced { try LocalLayout.syncFolder(LocalLayout.folder(of: name), in: storage) }
            return outcome
        } catch {
            remove()
            throw error
        }
    }

    private func rename(_ name: String, _ mode: WriteMode) throws(Errno) -> WriteOutcome {
        let here = System.workingDirectory
        let target = storage.path(name)
        switch mode {
        case .create:
            do {
                try System.renameWithoutReplacing(path, in: here, to: target, in: here)
            } catch .fileExists {
                remove()
                return .exists
            }
        case .replace:
            try System.withCString(path) { (from) throws(Errno) in
                try System.withCString(target) { (to) throws(Errno) in
                    _ = try System.check { Glibc.rename(from, to) }
                }
            }
        }
        return .stored
    }

    /// Deletes the file, which has not been moved.
    func remove() {
        _ = System.withCString(path) { unlink($0) }
    }

    /// Deletes the files of saves that died long ago; failures do not matter.
    static func removeStale(of storage: LocalStorage) {
        guard let entries = try? FolderListing.read(storage.path(folder)) else { return }
        let limit = Timestamp.now().timespec.seconds - staleAfterSeconds
        for entry in entries where entry.type == .regular && isTemporary(entry.name) {
            guard entry.modification.seconds < limit else { continue }
            _ = System.withCString(storage.path(folder) + [UInt8(ascii: "/")] + entry.name) { unlink($0) }
        }
    }

    /// Whether it is the name of such a file.
    static func isTemporary(_ name: [UInt8]) -> Bool {
        name.count == nameLength + suffix.utf8.count
            && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
            && name.prefix(nameLength).allSatisfy { alphabet.contains($0) }
    }
}
