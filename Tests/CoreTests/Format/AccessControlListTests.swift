import TestSupport
import Testing

@testable import Core

@Suite struct AccessControlListTests {
    private static let text = """
        user::rwx
        user:1000:r-x
        group::r--
        group:50:rw-
        mask::rwx
        other::---
        """
    private static let binary = EntrySamples.bytes(
        """
        02000000
        0100 0700 ffffffff  0200 0500 e8030000  0400 0400 ffffffff
        0800 0600 32000000  1000 0700 ffffffff  2000 0000 ffffffff
        """
    )

    @Test("the kernel's form and the stored text say the same, both ways")
    func bothWays() throws {
        #expect(try AccessControlList.text(fromBinary: Self.binary) == Array(Self.text.utf8))
        #expect(try AccessControlList.binary(fromText: Array(Self.text.utf8)) == Self.binary)
    }

    @Test("text may be abbreviated, spaced out, commented and in any order")
    func tolerance() throws {
        let text = "# file: x\r\n\n  o : : ---\n m::rwx\ngroup: 50:rw-\ng::r--\n\tu:1000: r-x\nuser: :rwx\n"
        #expect(try AccessControlList.binary(fromText: Array(text.utf8)) == Self.binary)
    }

    @Test("records with an unknown tag are left out, an empty list stores nothing")
    func unknownTags() throws {
        let unknown = EntrySamples.bytes("02000000 0300 0700 00000000 0100 ff07 00000000")
        #expect(try AccessControlList.text(fromBinary: unknown) == Array("user::rwx".utf8))
        #expect(try AccessControlList.text(fromBinary: EntrySamples.bytes("02000000")).isEmpty)
    }

    @Test(
        "malformed text is refused",
        arguments: [
            "user", "user:", "user:1000", "user::rwxx", "user::", "user::rwz", "user:bob:rwx", "user:-1:rwx",
            "user:4294967296:rwx", "users::rwx", "::rwx", "mask:5:rwx", "other:5:rwx", "user:1:r:w",
        ]
    )
    func malformedText(text: String) {
        #expect(throws: FormatError("malformed access control list")) {
            try AccessControlList.binary(fromText: Array(text.utf8))
        }
    }

    @Test("malformed binary lists are refused, changed ones do no harm")
    func malformedBinary() throws {
        HostileBytes.truncations(of: Self.binary) { damaged in
            let list = try? AccessControlList(binary: damaged)
            #expect((list != nil) == (damaged.count % 8 == 4), "\(damaged.count) bytes")
        }
        HostileBytes.flips(of: Self.binary) { damaged in
            guard let list = try? AccessControlList(binary: damaged) else { return }
            #expect(throws: Never.self) { try AccessControlList(text: list.text) }
        }
        #expect(throws: FormatError.self) { try AccessControlList(binary: [1, 0, 0, 0]) }
    }
}
