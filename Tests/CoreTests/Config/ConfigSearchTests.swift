import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct ConfigSearchTests {
    private func environment(
        _ variables: [String: String] = [:],
        executable: FilePath? = nil,
        userID: UInt32 = 1000
    ) -> ProcessEnvironment {
        ProcessEnvironment(
            variables: variables.mapValues { Array($0.utf8) },
            workingDirectory: "/work",
            executableDirectory: executable,
            userID: userID
        )
    }

    private func paths(
        _ request: ConfigSearch.Request,
        _ environment: ProcessEnvironment
    ) -> [FilePath] {
        ConfigSearch.candidates(request, environment).map(\.path)
    }

    @Test("the places are searched in the documented order")
    func order() {
        let home = environment(["HOME": "/home/u"], executable: "/opt/bin")
        #expect(
            paths(.search, home)
                == [
                    "/opt/bin/rekkord.ini", "/home/u/.config/rekkord/rekkord.ini", "/etc/rekkord/rekkord.ini",
                ]
        )
        let xdg = environment(["HOME": "/home/u", "XDG_CONFIG_HOME": "/xdg"])
        #expect(paths(.search, xdg) == ["/xdg/rekkord/rekkord.ini", "/etc/rekkord/rekkord.ini"])
        let relative = environment(["HOME": "/home/u", "XDG_CONFIG_HOME": "xdg"])
        #expect(paths(.search, relative).first == "/home/u/.config/rekkord/rekkord.ini")
        #expect(paths(.search, environment()) == ["/etc/rekkord/rekkord.ini"])
    }

    @Test("a named file is the only candidate and must exist")
    func named() throws {
        let variable = environment(["REKKORD_CONFIG_FILE": "c.ini", "HOME": "/home/u"])
        #expect(paths(.search, variable) == ["/work/c.ini"])
        #expect(paths(.file("d.ini"), variable) == ["/work/d.ini"])
        #expect(paths(.none, variable).isEmpty)
        let missing = { try ConfigSearch.load(.file("/nonexistent/x.ini"), environment()) }
        #expect {
            _ = try missing()
        } throws: { error in
            let error = error as? RekkordError
            return error?.kind == .usage
                && error?.message == "cannot read '/nonexistent/x.ini': No such file or directory"
        }
    }

    @Test("no file at all is fine, a folder in place of one is not")
    func absent() throws {
        let folder = try TemporaryDirectory()
        let variables = ["XDG_CONFIG_HOME": folder.path.string]
        #expect(ConfigSearch.candidates(.search, environment(variables)).count == 2)
        try folder.write("rekkord/rekkord.ini/x", "")
        #expect {
            _ = try ConfigSearch.load(.search, environment(variables))
        } throws: { error in
            (error as? RekkordError)?.message.hasSuffix("rekkord.ini': Is a directory") == true
        }
    }

    @Test("the first file that is there is read, with its warnings")
    func first() throws {
        let folder = try TemporaryDirectory()
        try folder.write("a/rekkord.ini", "[Agent]\n[Repository]\nURL = r\n")
        try folder.write("b/rekkord/rekkord.ini", "[Repository]\nURL = other\n")
        let variables = ["XDG_CONFIG_HOME": folder["b"].string]
        let found = try #require(
            try ConfigSearch.load(.search, environment(variables, executable: folder["a"]))
        )
        #expect(found.file.url?.value == Array("r".utf8))
        #expect(found.file.path == folder["a/rekkord.ini"])
        #expect(found.warnings == ["\(folder["a/rekkord.ini"].printed):1: [Agent] is ignored"])
    }

    @Test("a file with a secret that others can read gives a warning, one without does not")
    func readable() throws {
        let folder = try TemporaryDirectory()
        let secret = try folder.write("s.ini", "[S3]\nSecretKey = x\n", mode: 0o644)
        let open = try folder.write("o.ini", "[S3]\nKeyID = x\n", mode: 0o644)
        let closed = try folder.write("c.ini", "[S3]\nSecretKey = x\n", mode: 0o600)
        func warnings(_ path: FilePath) throws -> [String]? {
            try ConfigSearch.load(.file(path), environment(userID: 0))?.warnings
        }
        #expect(try warnings(secret) == ["'\(secret.printed)': others can read it, use 'chmod 600'"])
        #expect(try warnings(open) == [])
        #expect(try warnings(closed) == [])
    }

    @Test("root refuses a file with a secret that others can write", arguments: [0o602, 0o620] as [UInt16])
    func writable(mode: UInt16) throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("s.ini", "[SFTP]\nPassword = x\n", mode: mode)
        #expect(throws: RekkordError.self) { try ConfigSearch.load(.file(path), environment(userID: 0)) }
        let found = try ConfigSearch.load(.file(path), environment(userID: 1000))
        #expect(found?.warnings == ["'\(path.printed)': others can write it, use 'chmod 600'"])
    }

    @Test("root refuses a file beside the executable that others can write, with or without a secret")
    func besideExecutable() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("rekkord.ini", "[Settings]\nThreads = 2\n", mode: 0o622)
        let root = environment(executable: folder.path, userID: 0)
        #expect {
            _ = try ConfigSearch.load(.search, root)
        } throws: { error in
            let error = error as? RekkordError
            return error?.kind == .usage
                && error?.message == "cannot use '\(path.printed)': others can write it"
        }
        _ = try ConfigSearch.load(.search, environment(executable: folder.path, userID: 1000))
        try folder.write("rekkord.ini", "[Settings]\nThreads = 2\n", mode: 0o644)
        _ = try ConfigSearch.load(.search, root)
    }

    @Test("root refuses a file beside the executable that a stranger owns", .enabled(if: geteuid() == 0))
    func stranger() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("rekkord.ini", "[Settings]\nThreads = 2\n", mode: 0o644)
        #expect(chown(path.string, 12345, 12345) == 0)
        let root = environment(executable: folder.path, userID: 0)
        #expect(throws: RekkordError.self) { try ConfigSearch.load(.search, root) }
        #expect(chown(folder.path.string, 12345, 12345) == 0)
        _ = try ConfigSearch.load(.search, root)
    }

    @Test("key files are judged in the same way")
    func keyFile() throws {
        let folder = try TemporaryDirectory()
        let open = try folder.write("open.key", "x", mode: 0o640)
        let loose = try folder.write("loose.key", "x", mode: 0o666)
        #expect(
            try FileTrust.checkKeyFile(open, isRoot: true) == [
                "'\(open.printed)': others can read it, use 'chmod 600'"
            ]
        )
        #expect(throws: RekkordError.self) { try FileTrust.checkKeyFile(loose, isRoot: true) }
        #expect(try FileTrust.checkKeyFile(loose, isRoot: false).count == 1)
        #expect(try FileTrust.checkKeyFile(folder["absent"], isRoot: true).isEmpty)
    }
}
