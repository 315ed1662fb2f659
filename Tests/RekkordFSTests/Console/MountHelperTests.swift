import Core
import Testing

@testable import RekkordFS

@Suite struct MountHelperTests {
    private let reader = CommandLineReader(commands: SampleCommands.all)

    private func read(_ line: String, program: String = "/usr/bin/rekkord") throws -> MountHelper.Call {
        let arguments = line.split(separator: " ").map(String.init)
        return try MountHelper.read(
            program: Array(program.utf8),
            arguments,
            firstOperand: reader.firstOperand(arguments)?.text,
            isCommand: { ["show", "store", "reset_all", "mount", "help"].contains($0) }
        )
    }

    private func helper(_ line: String) throws -> MountHelper.Call {
        try read(line, program: "/sbin/mount.rekkord")
    }

    @Test(
        "the arguments of mount(8) become those of rekkord mount",
        arguments: [
            ("web /mnt -o rw,noatime", "mount -o rw,noatime -- web /mnt"),
            ("web /mnt", "mount -- web /mnt"),
            (": /mnt -o rw", "mount -o rw -- : /mnt"),
            ("list /mnt -o rw", "mount -o rw -- list /mnt"),
            ("show /mnt -o rw", "mount -o rw -- show /mnt"),
            ("mount /mnt -o rw", "mount -o rw -- mount /mnt"),
            ("web /mnt -v -n -s -w -r -o rw", "mount --verbose -o rw -- web /mnt"),
            ("-o rw web /mnt", "mount -o rw -- web /mnt"),
            ("web /mnt -nvo rw -o config_file=/c", "mount --verbose -o rw,config_file=/c -- web /mnt"),
            ("web /mnt -orw -t fuse.rekkord", "mount -o rw -- web /mnt"),
        ]
    )
    func helperArguments(line: String, expected: String) throws {
        #expect(try helper(line) == .mount(expected.split(separator: " ").map(String.init)))
        let fuse = try read(line, program: "mount.fuse.rekkord")
        #expect(fuse == .mount(expected.split(separator: " ").map(String.init)))
    }

    @Test(
        "-f of mount(8) means to do everything but mount",
        arguments: ["web /mnt -f", "-fnv web /mnt -o rw"]
    )
    func fake(line: String) throws {
        #expect(try helper(line) == .fake)
    }

    @Test(
        "wrong use of the helper is refused",
        arguments: [
            ("web", "missing operand <mountpoint>"), ("", "missing operand <mountpoint>"),
            ("web /mnt x", "surplus operand 'x'"), ("web /mnt -o", "missing value for '-o'"),
            ("web /mnt -x", "unknown option '-x'"), ("web /mnt --foo", "unknown option '--foo'"),
            ("web -f", "missing operand <mountpoint>"),
        ]
    )
    func refused(line: String, message: String) {
        #expect {
            _ = try helper(line)
        } throws: { error in
            let error = error as? RekkordError
            return error?.kind == .usage && error?.message == message
        }
    }

    @Test("help and version work under the helper's name")
    func helperHelp() throws {
        #expect(try helper("--version") == .mount(["--version"]))
        #expect(try helper("--help") == .mount(["--help"]))
    }

    @Test(
        "a first operand that is no command, plus -o, mounts",
        arguments: [
            "web /mnt -o rw", "web:etc /mnt -orw", "/mnt -o rw", "-o rw web /mnt", "-C /c.ini web /mnt -o rw",
            "web /mnt -o rw -f",
        ]
    )
    func withoutCommand(line: String) throws {
        #expect(try read(line) == .mount(["mount"] + line.split(separator: " ").map(String.init)))
    }

    @Test(
        "a channel with the name of a command can be mounted by mount.fuse(8)",
        arguments: ["show", "help"]
    )
    func commandName(name: String) throws {
        #expect(try read("\(name) /mnt/x -o rw") == .mount(["mount", name, "/mnt/x", "-o", "rw"]))
    }

    @Test(
        "everything else stands for itself",
        arguments: [
            "show web", "show web -o rw", "show /mnt -o", "store web /a -o rw", "mount /mnt -o rw",
            "mount web /mnt -o rw", "bogus", "web /mnt", "", "--help", "web -- -o", "-v",
        ]
    )
    func none(line: String) throws {
        #expect(try read(line) == .none)
    }
}
