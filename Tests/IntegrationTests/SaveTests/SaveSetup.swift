import Core
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// A repository with a WriteOnly key, a folder to save, and the program that saves it.
struct SaveSetup {
    let folder: TemporaryDirectory
    var program: Program

    init() throws {
        folder = try TemporaryDirectory()
        program = Program(in: folder.path)
        program.environment = ["REKKORD_REPOSITORY": "repo", "REKKORD_KEY_FILE": "master.key"]
        #expect(try program.run("init", "-g").status == 0)
        #expect(try program.run("derive", "-t", "WriteOnly", "-O", "writer.key").status == 0)
        program.environment["REKKORD_KEY_FILE"] = "writer.key"
        try folder.write("tree/a", "alpha")
        try folder.write("tree/folder/b", "beta")
    }

    /// Where the program sees the folder: links on the way are as the working directory has them.
    var root: String {
        guard let path = realpath(folder.path.string, nil) else { return folder.path.string }
        defer { free(path) }
        return String(cString: path)
    }

    /// How many main tags there are.
    func snapshotCount() throws -> Int {
        let result = try Program.shell(in: folder.path, "find repo/tags/M -type f | wc -l")
        return Int(result.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
    }
}
