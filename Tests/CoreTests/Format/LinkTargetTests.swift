import Testing

@testable import Core

@Suite struct LinkTargetTests {
    @Test("targets are any 1 to 4095 bytes without NUL")
    func limits() throws {
        #expect(try LinkTarget(Array("/etc/passwd".utf8)).bytes == Array("/etc/passwd".utf8))
        #expect(try LinkTarget([UInt8](repeating: 0xFF, count: 4095)).bytes.count == 4095)
        for bad: [UInt8] in [[], [0], Array("a\0".utf8), [UInt8](repeating: 65, count: 4096)] {
            #expect(throws: FormatError("bad link target")) { try LinkTarget(bad) }
        }
    }
}
