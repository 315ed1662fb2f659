import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct BeneathOpeningTests {
    private let folder: TemporaryDirectory
    private let inside: Descriptor

    init() throws {
        folder = try TemporaryDirectory()
        try folder.write("outside/secret", "secret")
        try System.makeFolders(folder["inside"], mode: 0o700)
        symlink(folder["outside"].string, folder["inside/folder"].string)
        symlink("../outside/secret", folder["inside/file"].string)
        symlink("../outside/made", folder["inside/dangling"].string)
        inside = try System.open(folder["inside"].bytes, flags: O_RDONLY | O_DIRECTORY)
    }

    @Test(
        "a link is not opened, whatever it points to and whatever for",
        arguments: BeneathOpening.allCases,
        [O_RDONLY, O_RDONLY | O_DIRECTORY, O_WRONLY | O_CREAT, System.pathOnly | O_DIRECTORY]
    )
    func links(opening: BeneathOpening, flags: Int32) {
        for name in ["folder", "file", "dangling"] {
            #expect(throws: Errno.self, "\(name)") {
                try System.openBeneath(
                    Array(name.utf8),
                    in: inside.number,
                    by: opening,
                    flags: flags,
                    mode: 0o600
                )
            }
        }
        #expect((try? System.status(of: folder["outside/made"].bytes)) == nil)
    }

    @Test("the kernel refuses the way out of a folder")
    func wayOut() {
        guard BeneathOpening.available == .kernel else { return }
        #expect(throws: Errno(rawValue: EXDEV)) {
            try System.openBeneath(Array("..".utf8), in: inside.number, by: .kernel, flags: O_RDONLY)
        }
    }

    @Test("what is no link is opened and made", arguments: BeneathOpening.allCases)
    func others(opening: BeneathOpening) throws {
        if opening == .kernel, BeneathOpening.available != .kernel { return }
        let name = Array("made".utf8)
        let flags = O_WRONLY | O_CREAT | O_EXCL
        _ = try System.openBeneath(name, in: inside.number, by: opening, flags: flags, mode: 0o640)
        #expect(try System.status(of: folder["inside/made"].bytes).type == .regular)
        _ = try System.openBeneath(name, in: inside.number, by: opening, flags: O_RDONLY)
    }
}
