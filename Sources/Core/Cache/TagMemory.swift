internal import Glibc
internal import SystemPackage

/// Keeps on disk which tags were opened and found good, so that the next process need not open them again.
///
/// ```
/// tags.KEYID    version 1 | nonce 24 | secret box of: tag, tag, …
/// tag           name u16 n | fragments u8 | (u16 n)… | hash of the snapshot 32 | payload u16 n
/// ```
///
/// A name of a tag says all there is to it, so what it says never changes; only that it was checked has to be believed.
/// Hence the box: its key comes from the secret of the reader's own key file, the repository and the cache ID. What anybody
/// else put there is as good as nothing there. A tag that is not listed is not shown, whatever is remembered of it.
/// - Source: docs/decisions/0016.
final class TagMemory: Sendable {
    private static let prefix = "tags."
    private static let version: UInt8 = 1
    /// More than half a million tags; what is larger is neither written nor read.
    private static let maxByteCount = 256 << 20

    private let folder: FilePath
    private let name: String
    private let key: SecretKey

    /// Names the place; nothing is opened or made.
    init(folder: FilePath, keys: KeySet, repositoryID: [UInt8], cacheID: [UInt8]) {
        self.folder = folder
        name = Self.prefix + keys.id.description
        let message = Array("rekkord tag memory".utf8) + repositoryID + cacheID
        let hash = message.withRawBytes { message in
            keys.signingSeed.withBytes { KeyedHash.hash(message, key: $0) }
        }
        key = SecretKey { $0.copyBytes(from: hash.bytes) }
    }

    // MARK: Reading

    /// What is remembered, by the names of the tags; nothing when there is no file of this reader.
    func load() -> [String: TagParser.Parsed] {
        guard let file = read(), file.count > 1 + Sodium.secretBoxNonceByteCount, file[0] == Self.version
        else { return [:] }
        let nonce = Array(file[1..<1 + Sodium.secretBoxNonceByteCount])
        let box = Array(file[(1 + nonce.count)...])
        guard let tags = Sodium.openSecretBox(box, nonce: nonce, key: key) else { return [:] }
        return (try? Self.decode(tags)) ?? [:]
    }

    private func read() -> [UInt8]? {
        // Opening must not wait for the writer of a pipe.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        guard let file = try? System.open(folder.appending(name).bytes, flags: flags),
            let status = try? System.status(of: file.number),
            status.type == .regular, status.size <= UInt64(Self.maxByteCount)
        else { return nil }
        let buffer = try? ByteBuffer(capacity: Int(status.size)) { (target) throws(Errno) in
            try System.fill(target, from: file.number)
        }
        return buffer?.array
    }

    static func decode(_ bytes: [UInt8]) throws(FormatError) -> [String: TagParser.Parsed] {
        try bytes.withRawBytes { (bytes) throws(FormatError) in
            var reader = ByteReader(bytes)
            var tags: [String: TagParser.Parsed] = [:]
            while reader.remaining > 0 {
                let tag = try self.tag(&reader)
                tags[tag.objectName] = tag
            }
            return tags
        }
    }

    private static func tag(_ reader: inout ByteReader) throws(FormatError) -> TagParser.Parsed {
        let name = try text(&reader)
        let fragmentCount = try reader.integer(UInt8.self)
        var fragments: [String] = []
        for _ in 0..<fragmentCount { fragments.append(try text(&reader)) }
        let snapshot = ObjectID(.metadata, try reader.hash())
        let payload = Array(try reader.bytes(Int(try reader.integer(UInt16.self))))
        return TagParser.Parsed(
            snapshot: snapshot,
            payload: try TagPayload(payload),
            keyID: try MainTagName.keyID(of: name),
            objectName: name,
            fragmentNames: fragments
        )
    }

    private static func text(_ reader: inout ByteReader) throws(FormatError) -> String {
        String(decoding: try reader.bytes(Int(try reader.integer(UInt16.self))), as: UTF8.self)
    }

    // MARK: Writing

    /// Remembers these and no others.
    ///
    /// Nothing waits for the disk: a file that is cut off or mixed from two writers is no box and counts as absent.
    func store(_ tags: [TagParser.Parsed]) throws(Errno) {
        let nonce = Sodium.random(Sodium.secretBoxNonceByteCount)
        let file = [Self.version] + nonce + Sodium.secretBox(Self.encode(tags), nonce: nonce, key: key)
        guard file.count <= Self.maxByteCount else { return }
        try System.makeFolders(folder, mode: 0o700)
        let folder = try System.open(folder.bytes, flags: O_DIRECTORY | System.pathOnly)
        let (name, temporary) = (Array(name.utf8), Array("\(name).new".utf8))
        try? System.remove(temporary, in: folder.number)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let target = try System.open(temporary, in: folder.number, flags: flags, mode: 0o600)
        try file.withRawBytes { (bytes) throws(Errno) in try System.write(bytes, to: target.number, at: 0) }
        try System.rename(temporary, to: name, in: folder.number)
    }

    private static func encode(_ tags: [TagParser.Parsed]) -> [UInt8] {
        var writer = ByteWriter(capacity: tags.count * 600)
        for tag in tags {
            text(tag.objectName, &writer)
            writer.integer(UInt8(tag.fragmentNames.count))
            for name in tag.fragmentNames { text(name, &writer) }
            writer.hash(tag.snapshot.hash)
            let payload = tag.payload.encode()
            writer.integer(UInt16(payload.count))
            writer.append(payload)
        }
        return writer.bytes
    }

    private static func text(_ text: String, _ writer: inout ByteWriter) {
        writer.integer(UInt16(text.utf8.count))
        writer.append(text.utf8)
    }

    // MARK: Removing

    /// Removes what readers of any key remember.
    static func removeAll(in folder: FilePath) throws(RekkordError) {
        do throws(Errno) {
            let entries: [FolderListing.Entry]
            do throws(Errno) {
                entries = try FolderListing.read(folder.bytes)
            } catch .noSuchFileOrDirectory {
                return
            }
            let directory = try System.open(folder.bytes, flags: O_DIRECTORY | System.pathOnly)
            for entry in entries where entry.name.starts(with: prefix.utf8) && entry.type != .directory {
                try System.remove(entry.name, in: directory.number)
            }
        } catch {
            throw RekkordError(.system, "cannot empty cache '\(folder.printed)': \(error)")
        }
    }
}
