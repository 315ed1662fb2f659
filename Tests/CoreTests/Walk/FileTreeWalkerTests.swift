import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct FileTreeWalkerTests {
    /// Writes down what it is told.
    private final class Recorder: FileTreeVisitor {
        var events: [String] = []
        var maxDepth = 0
        private var depth = 0

        func leaveOut(_ name: [UInt8], in folder: String) {
            events.append("left out \(folder)/\(String(decoding: name, as: UTF8.self))")
        }

        func entry(_ entry: WalkedEntry, in folder: String) -> Int? {
            let name = String(decoding: entry.name, as: UTF8.self)
            guard case .success(let status) = entry.status else {
                events.append("error \(folder)/\(name)")
                return nil
            }
            events.append("\(status.type) \(folder)/\(name)")
            return status.type == .directory ? events.count : nil
        }

        func enter(
            _ number: Int,
            _ name: [UInt8],
            in parent: String,
            _ names: DirectoryNames,
            replacedBy other: OpenFolder?
        ) -> String {
            depth += 1
            maxDepth = max(maxDepth, depth)
            return parent + "/" + String(decoding: name, as: UTF8.self)
        }

        func cannotEnter(_ number: Int, _ name: [UInt8], in parent: String, _ reason: FolderRefusal) {
            events.append("refused \(parent)/\(String(decoding: name, as: UTF8.self))")
        }

        func leave(_ folder: String) {
            depth -= 1
            events.append("leave \(folder)")
        }
    }

    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
    }

    private func walk(_ options: FileTreeWalker<Recorder>.Options = .init()) throws -> Recorder {
        let recorder = Recorder()
        let root = try System.open(folder.path.bytes, flags: O_RDONLY | O_DIRECTORY)
        let status = try System.status(of: root.number)
        let names = try DirectoryNames(reading: root.number)
        var walker = FileTreeWalker(recorder, options: options)
        try walker.walk(root, status, names, path: folder.path.bytes, as: "")
        return recorder
    }

    @Test("entries come in the order of name bytes, then the folders one after the other")
    func order() throws {
        for name in ["b/inner/file", "a/2", "a/1", "c"] { try folder.write(name, "") }
        #expect(
            try walk().events == [
                "directory /a", "directory /b", "regular /c", "regular /a/1", "regular /a/2", "leave /a",
                "directory /b/inner", "regular /b/inner/file", "leave /b/inner", "leave /b", "leave ",
            ]
        )
    }

    @Test("names are sorted by bytes and complete, however many there are")
    func names() throws {
        let names = (0..<3000).map { "\($0 % 7)-\($0)" }
        for name in names { try folder.write(name, "") }
        let root = try System.open(folder.path.bytes, flags: O_RDONLY | O_DIRECTORY)
        let read = try DirectoryNames(reading: root.number)
        let texts = (0..<read.count).map { String(decoding: read[$0], as: UTF8.self) }
        #expect(texts == names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test("a tree deeper than folders are kept open is walked to its end and back")
    func deep() throws {
        var current = try System.open(folder.path.bytes, flags: O_RDONLY | O_DIRECTORY)
        let depth = 400
        for level in 0..<depth {
            for name in ["a", "z"] {
                #expect(mkdirat(current.number, name, 0o700) == 0)
            }
            #expect(close(openat(current.number, "file \(level)", O_CREAT | O_WRONLY, 0o600)) == 0)
            current = try System.open(Array("a".utf8), in: current.number, flags: O_RDONLY | O_DIRECTORY)
        }
        let recorder = try walk()
        #expect(recorder.events.filter { $0.hasPrefix("regular") }.count == depth)
        #expect(recorder.events.filter { $0.hasPrefix("directory") }.count == 2 * depth)
        // Also the last folder of each level, which is entered on the way back.
        #expect(recorder.events.filter { $0.hasPrefix("leave") }.count == 2 * depth + 1)
        #expect(recorder.events.allSatisfy { !$0.hasPrefix("refused") })
        #expect(recorder.maxDepth == depth)
    }

    @Test("links are followed only where asked for, and never in a circle")
    func links() throws {
        try folder.write("real/file", "")
        for (name, target) in [
            ("dangling", "nowhere"), ("loop", "."), ("real/up", ".."), ("tofile", "real/file"),
            ("tofolder", "real"),
        ] {
            symlink(target, folder[name].string)
        }
        #expect(
            try walk().events == [
                "symbolicLink /dangling", "symbolicLink /loop", "directory /real", "symbolicLink /tofile",
                "symbolicLink /tofolder", "regular /real/file", "symbolicLink /real/up", "leave /real",
                "leave ",
            ]
        )
        #expect(
            try walk(.init(followsLinks: true)).events == [
                "symbolicLink /dangling", "symbolicLink /loop", "directory /real", "regular /tofile",
                "directory /tofolder", "regular /real/file", "symbolicLink /real/up", "leave /real",
                "regular /tofolder/file", "symbolicLink /tofolder/up", "leave /tofolder", "leave ",
            ]
        )
    }

    @Test("pseudo file systems are told by their type, ours by the mount table")
    func foreign() throws {
        let root = try System.open(Array("/".utf8), flags: O_RDONLY | O_DIRECTORY)
        func reason(_ name: String) -> String? {
            ForeignFileSystem.reasonToStayOut(
                of: Array(name.utf8),
                in: root.number,
                followsLinks: false,
                device: 0
            )
        }
        #expect(reason("proc") == "pseudo file system")
        #expect(reason("sys") == "pseudo file system")
        #expect(reason("usr") == nil)
        let lines = """
            22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
            36 22 0:31 / /mnt/a\\040\\134b ro,nosuid shared:3 master:1 - fuse.rekkord rekkord ro,user_id=0
            """
        let table = MountTable(Array(lines.utf8))
        #expect(table.points(ofFuseDevice: 31) == [Array("/mnt/a \\b".utf8)])
        #expect(table.points(ofFuseDevice: 5) == [] && table.points(ofFuseDevice: 8 << 32 | 1) == [])
        #expect(table.type(ofDevice: 31) == "fuse.rekkord")
        #expect(table.type(ofDevice: 8 << 32 | 1) == "ext4")
        #expect(table.type(ofDevice: 5) == nil)
    }
}
