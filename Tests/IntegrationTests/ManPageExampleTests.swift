import Foundation
import TestSupport
import Testing

/// Runs the examples of rekkord(1) as they stand, in one shell and one folder.
@Suite struct ManPageExampleTests {
    private static let hasFUSE =
        FileManager.default.fileExists(atPath: "/dev/fuse")
        && ProcessInfo.processInfo.environment["REKKORD_NO_FUSE"] == nil

    @Test("the examples of the manual page work as written", .enabled(if: hasFUSE, "FUSE is not usable"))
    func examples() throws {
        let lines = try ManPage(named: "rekkord.1").lines(of: "EXAMPLES")
            .filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) }
        #expect(lines.count > 10)
        let prepare = """
            set -eux
            trap 'fusermount3 -uz mnt 2>/dev/null || :' EXIT
            mkdir bin documents
            ln -s '\(Program.builtBinary)' bin/rekkord
            PATH=$PWD/bin:$PATH
            echo 'Dear reader' >documents/letter.txt
            """
        let check = """
            cmp documents/letter.txt letter.txt
            cmp documents/letter.txt letter.old
            cmp documents/letter.txt documents.old/letter.txt
            test ! -e nowhere
            cmp documents/letter.txt restored/letter.txt
            """
        let folder = try TemporaryDirectory()
        let script = ([prepare] + lines + [check]).joined(separator: "\n")
        let result = try Program.shell(in: folder.path, script)
        #expect(result.status == 0, "\(result.error)")
    }
}
