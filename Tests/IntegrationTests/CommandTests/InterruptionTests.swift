import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// A save that a signal ends leaves a repository that is whole and clean.
@Suite struct InterruptionTests {
    @Test("two signals at one time end a save in good order", arguments: [SIGINT, SIGTERM])
    func save(signal: Int32) throws {
        let folder = try TemporaryDirectory()
        var program = Program(in: folder.path)
        program.environment = [
            "REKKORD_REPOSITORY": folder["repo"].string, "REKKORD_KEY_FILE": folder["master.key"].string,
        ]
        try #require(try program.run("init", "-g").status == 0)
        // Enough that the first temporary file is seen long before the end.
        for number in 0..<4000 { try folder.write("source/\(number)", "content of \(number)") }
        let temporary = folder["repo/tmp"].string
        let running = try program.start("save", "web", "source")
        while try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty { usleep(1000) }
        running.send(signal)
        running.send(signal)
        let result = try running.wait()
        #expect(result.status == 128 + signal)
        #expect(result.output.isEmpty)
        #expect(result.error == "rekkord: error: interrupted\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
        #expect(try program.run("snapshots").output.isEmpty)
        #expect(try program.run("save", "web", "source").status == 0)
    }
}
