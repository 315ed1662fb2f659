import TestSupport

@testable import Core

/// The worked examples of rekkord-format(5), "EXAMPLES", and what the tests of this folder build from them.
enum EntrySamples {
    /// The chunk `hello\n`.
    static let helloHash = hash("3818118afb0454eb8a8aa845224e36e4181905187173d0b9e9a94864c679aa21")
    /// The folder of 14.6.
    static let directoryHash = hash("c03969a65ee7feaa3649ae3489b716b562f9df6004e989e32a25c686614c467a")

    static let directoryBytes = bytes(
        """
        06000000000000000100000000000000
        3818118afb0454eb8a8aa845224e36e4181905187173d0b9e9a94864c679aa21
        03 01 0900 0000 7b7f413199010000 c880413199010000 0000000000000000 007f413199010000
        e8030000 e8030000 a4010000 0600000000000000 68656c6c6f2e747874
        """
    )

    static let helloEntry = entry("hello.txt")

    static let snapshot = SnapshotBlob(
        time: Timestamp(milliseconds: 1_757_468_311_000),
        size: 6,
        stored: 400,
        added: 400,
        channel: Array("webserver".utf8),
        totalEntries: 2,
        roots: [entry("home/alice", .directory, hash: directoryHash, mode: 0o755, size: 0)]
    )

    static func entry(
        _ name: String,
        _ kind: EntryKind = .file,
        hash: Hash32 = helloHash,
        mode: UInt32 = 0o644,
        size: Int64 = 6,
        extended: [UInt8] = []
    ) -> Entry {
        Entry(
            EntryAttributes(
                hash: hash,
                flags: [.stated, .readable],
                kind: kind,
                mtime: Timestamp(milliseconds: 1_757_468_000_123),
                ctime: Timestamp(milliseconds: 1_757_468_000_456),
                atime: Timestamp(milliseconds: 0),
                btime: Timestamp(milliseconds: 1_757_468_000_000),
                uid: 1000,
                gid: 1000,
                mode: mode,
                size: size
            ),
            name: Array(name.utf8),
            extended: extended
        )
    }

    static func bytes(_ hex: String) -> [UInt8] {
        Hexadecimal.decode(hex.utf8.filter { $0 != 32 && $0 != 10 }) ?? []
    }

    static func hash(_ hex: String) -> Hash32 { Hash32(bytes(hex)) ?? .zero }

    static func blob(_ type: BlobType, _ bytes: [UInt8]) -> Blob {
        Blob(type: type, bytes: ByteBuffer(bytes))
    }

    static func directory(_ children: [Entry]) throws -> DirectoryBlob {
        try DirectoryBlob(blob(.directory, DirectoryBlob.encode(size: 0, entries: 0, children: children)))
    }

    /// An entry with every field random but valid.
    static func randomEntry(_ random: inout SeededRandom, name: [UInt8]) -> Entry {
        var flags = EntryFlags(rawValue: UInt8.random(in: 0...7, using: &random))
        if flags.isEmpty { flags = .stated }
        func time(_ random: inout SeededRandom) -> Timestamp {
            Timestamp(milliseconds: Int64(bitPattern: random.next()))
        }
        return Entry(
            EntryAttributes(
                hash: Hash32(random.bytes(32)) ?? .zero,
                flags: flags,
                kind: EntryKind.allCases.randomElement(using: &random) ?? .file,
                mtime: time(&random),
                ctime: time(&random),
                atime: flags.contains(.accessTime) ? time(&random) : Timestamp(milliseconds: 0),
                btime: time(&random),
                uid: UInt32.random(in: 0...UInt32.max, using: &random),
                gid: UInt32.random(in: 0...UInt32.max, using: &random),
                mode: UInt32.random(in: 0...0o7777, using: &random),
                size: Int64(bitPattern: random.next())
            ),
            name: name,
            extended: random.bytes(Int.random(in: 0...40, using: &random))
        )
    }

    /// A valid name of random bytes.
    static func randomName(_ random: inout SeededRandom, maxByteCount: Int = 12) -> [UInt8] {
        while true {
            let name = random.bytes(Int.random(in: 1...maxByteCount, using: &random))
            if EntryName.isValid(name) { return name }
        }
    }
}
