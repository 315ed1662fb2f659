import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct SecretFileTests {
    private func mode(_ path: FilePath) throws -> UInt32 {
        try System.status(of: path.bytes).permissions
    }

    @Test("a new file has mode 0600 and all its bytes, and nothing else is left")
    func new() throws {
        let folder = try TemporaryDirectory()
        let old = umask(0)
        defer { umask(old) }
        try SecretFile.write(Array("secret".utf8), to: folder["a.key"], replace: false)
        #expect(try folder.read("a.key") == Array("secret".utf8))
        #expect(try mode(folder["a.key"]) == 0o600)
        #expect(try folder.names() == ["a.key"])
    }

    @Test("an existing file stays as it is, with a hint")
    func existing() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("a.key", "old")
        #expect {
            try SecretFile.write([1], to: path, replace: false)
        } throws: { error in
            let error = error as? RekkordError
            return error?.kind == .exists && error?.message == "cannot write '\(path.printed)': file exists"
                && error?.hint == "use --force"
        }
        #expect(try folder.read("a.key") == Array("old".utf8))
        #expect(try folder.names() == ["a.key"])
    }

    @Test("an existing file is replaced when wanted, and gets mode 0600")
    func replaced() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("a.key", "old", mode: 0o644)
        try SecretFile.write([1, 2], to: path, replace: true)
        #expect(try folder.read("a.key") == [1, 2])
        #expect(try mode(path) == 0o600)
    }

    @Test("a dangling link counts as existing and is not followed")
    func danglingLink() throws {
        let folder = try TemporaryDirectory()
        #expect(symlink(folder["elsewhere"].string, folder["a.key"].string) == 0)
        #expect(throws: RekkordError.self) { try SecretFile.write([1], to: folder["a.key"], replace: false) }
        #expect(try folder.names() == ["a.key"])
    }

    @Test("a device, pipe or folder is never replaced")
    func special() throws {
        let folder = try TemporaryDirectory()
        #expect(mkfifo(folder["pipe"].string, 0o600) == 0)
        try folder.write("dir/x", "")
        #expect(throws: RekkordError.self) { try SecretFile.write([1], to: folder["pipe"], replace: true) }
        #expect(throws: RekkordError.self) { try SecretFile.write([1], to: folder["dir"], replace: true) }
        #expect(try System.status(of: folder["pipe"].bytes).type == .special)
    }

    @Test("a missing folder is an error that names the file")
    func missingFolder() throws {
        let folder = try TemporaryDirectory()
        #expect {
            try SecretFile.write([1], to: folder["no/a.key"], replace: false)
        } throws: { error in
            let error = error as? RekkordError
            return error?.kind == .system
                && error?.message == "cannot write '\(folder["no/a.key"].printed)': No such file or directory"
        }
    }

    @Test("a path keeps every byte")
    func bytes() {
        let bytes: [UInt8] = [0x2F, 0xFF, 0x20, 0x0A]
        #expect(FilePath(bytes: bytes).bytes == bytes)
        #expect(FilePath(bytes: bytes).printed == "/\\xFF \\x0A")
        #expect(FilePath("x").resolved(in: "/a") == "/a/x")
        #expect(FilePath("/x").resolved(in: "/a") == "/x")
    }
}
