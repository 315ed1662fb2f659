import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The programs around a save.
@Suite struct HookTests {
    private var setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
        try setup.folder.write(
            "conf/rekkord.ini",
            "[Repository]\nURL = ../repo\nKeyFile = ../writer.key\n"
                + "[Hooks]\nPreSaveDirectory = pre\nPostSaveDirectory = post\n"
        )
        for name in ["pre", "post"] { mkdir(setup.folder["conf/\(name)"].string, 0o700) }
        setup.program.environment = ["REKKORD_CONFIG_FILE": "conf/rekkord.ini"]
    }

    private func hook(_ name: String, _ body: String, mode: UInt16 = 0o700) throws {
        try setup.folder.write("conf/draft", "#!/bin/sh\n\(body)\n", mode: mode)
        // A file that this process wrote may still be open for writing in a child of another test just now, and such a
        // file cannot be executed.
        #expect(try Program.shell(in: setup.folder.path, "cp -p conf/draft 'conf/\(name)'").status == 0)
    }

    /// What hooks wrote down.
    private func log() throws -> [String] {
        guard let bytes = try? setup.folder.read("log") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private let note = "echo \"$(basename \"$0\") $SUCCESS $REKKORD_STATUS\" >>log"

    @Test("all executables run in the order of their names, and talk on standard error")
    func order() throws {
        try hook("pre/20-b", "echo out; echo err >&2; cat; \(note)")
        try hook("pre/10-a", note)
        try hook("pre/B", note)
        try hook("pre/30-no", note, mode: 0o600)
        mkdir(setup.folder["conf/pre/40-folder"].string, 0o700)
        symlink("../../real", setup.folder["conf/pre/a-link"].string)
        try hook("../real", note)
        try hook("post/x", note)
        let result = try setup.program.run("save", "--format", "JSON", "web", "tree")
        #expect(result.status == 0)
        #expect(result.error == "out\nerr\n")
        #expect(result.output.hasPrefix("{") && !result.output.contains("out"))
        #expect(try log() == ["10-a  ", "20-b  ", "B  ", "a-link  ", "x 1 0"])
    }

    @Test("a hook that fails before keeps the save from running, and the others still run")
    func failsBefore() throws {
        try hook("pre/1", "exit 5")
        try hook("pre/2", note)
        try hook("pre/3", "kill -9 $$")
        try hook("post/1", note)
        let result = try setup.program.run("save", "web", "tree")
        #expect(result.status == 1)
        #expect(
            result.error == """
                rekkord: error: cannot run hook '\(setup.root)/conf/pre/1': exit status 5
                rekkord: error: cannot run hook '\(setup.root)/conf/pre/3': killed by signal 9

                """
        )
        #expect(try log() == ["2  ", "1 0 1"])
        #expect(try setup.snapshotCount() == 0)
    }

    @Test("those after learn how it went, and raise only a good status")
    func failsAfter() throws {
        try hook("post/1", "\(note); exit 7")
        try hook("post/2", note)
        #expect(try setup.program.run("save", "web", "tree").status == 1)
        #expect(try setup.snapshotCount() == 1)
        let missing = try setup.program.run("save", "web", "missing")
        #expect(missing.status == 1)
        #expect(missing.error.hasPrefix("rekkord: error: cannot read '\(setup.root)/missing'"))
        let key = try setup.program.run("save", "-K", "absent", "web", "tree")
        #expect(key.status == 64)
        #expect(try log() == ["1 1 0", "2 1 0", "1 0 1", "2 0 1", "1 0 64", "2 0 64"])
    }

    @Test("a save that could not read everything is a good one for hooks")
    func incomplete() throws {
        try hook("post/1", note)
        try setup.folder.write("tree/secret", "x", mode: 0)
        let user = geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : ""
        let line = """
            test -z "\(user)" || chown -R 65534:65534 .
            export REKKORD_CONFIG_FILE=conf/rekkord.ini HOME=$PWD
            \(user) \(setup.program.path.string) save web tree; echo status $?
            """
        #expect(try Program.shell(in: setup.folder.path, line).output.hasSuffix("status 3\n"))
        #expect(try log() == ["1 1 3"])
    }

    @Test("no hooks run when they are not wanted, in a dry run, and after usage errors")
    func skipped() throws {
        try hook("pre/1", note)
        try hook("post/1", note)
        #expect(try setup.program.run("save", "--no-hooks", "web", "tree").status == 0)
        #expect(try setup.program.run("save", "-n", "web", "tree").status == 0)
        #expect(try setup.program.run("save", "web").status == 64)
        #expect(try setup.program.run("save", "--exclude", "[", "web", "tree").status == 64)
        #expect(try log().isEmpty)
    }

    @Test("a folder of hooks that is not there is an error before anything runs")
    func missingFolder() throws {
        try hook("pre/1", note)
        rmdir(setup.folder["conf/post"].string)
        let result = try setup.program.run("save", "web", "tree")
        #expect(result.status == 64)
        let path = "\(setup.root)/conf/post"
        #expect(result.error == "rekkord: error: cannot read hooks '\(path)': No such file or directory\n")
        #expect(try log().isEmpty)
    }

    @Test("root runs nothing that others can write", .enabled(if: geteuid() == 0, "needs root"))
    func trust() throws {
        try hook("pre/1", note)
        try hook("post/1", note)
        func refused(_ name: String) throws {
            let result = try setup.program.run("save", "web", "tree")
            #expect(result.status == 64)
            #expect(
                result.error == """
                    rekkord: error: cannot use '\(setup.root)/conf/\(name)': others can write it
                    rekkord: hint: use 'chmod go-w' and give it to root

                    """
            )
        }
        for name in ["pre", "pre/1", "post", "post/1"] {
            let path = setup.folder["conf/\(name)"].string
            chmod(path, 0o722)
            try refused(name)
            chmod(path, 0o700)
            chown(path, 65534, 0)
            try refused(name)
            chown(path, 0, 0)
        }
        #expect(try log().isEmpty)
        #expect(try setup.program.run("save", "web", "tree").status == 0)
    }

    @Test("a signal reaches the hook, keeps the save from running, and those after still run")
    func signal() throws {
        try hook(
            "pre/1",
            "trap 'echo told >>log; exit 0' TERM; echo ready >>log; while :; do sleep 0.01; done"
        )
        try hook("pre/2", note)
        try hook("post/1", note)
        let running = try setup.program.start("save", "web", "tree")
        while try log().isEmpty { usleep(2000) }
        running.send(SIGTERM)
        let result = try running.wait()
        #expect(result.status == 143)
        #expect(result.error == "rekkord: error: interrupted\n")
        #expect(try log() == ["ready", "told", "2  ", "1 0 143"])
        #expect(try setup.snapshotCount() == 0)
    }
}
