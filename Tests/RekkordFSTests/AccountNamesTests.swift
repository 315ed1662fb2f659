import Core
import Testing

@testable import RekkordFS

@Suite struct AccountNamesTests {
    private func owner(_ text: String) throws(RekkordError) -> Owner { try Owner(text: Array(text.utf8)) }

    @Test(
        "names and numbers are owners; the group is the user's own, or its number, unless it is named",
        arguments: [
            ("root", 0, 0), ("0", 0, 0), ("root:root", 0, 0), ("7:8", 7, 8), ("root:8", 0, 8),
            ("7:root", 7, 0),
            ("4294967294", 4_294_967_294, 4_294_967_294),
        ] as [(String, UInt32, UInt32)]
    )
    func known(text: String, uid: UInt32, gid: UInt32) throws {
        let owner = try owner(text)
        #expect(owner.uid == uid && owner.gid == gid)
    }

    @Test(
        "what no account has is named",
        arguments: [
            ("", "user ''"), (":", "user ''"), ("nobody-here", "user 'nobody-here'"), ("-1", "user '-1'"),
            ("4294967295", "user '4294967295'"), ("a\nb:root", "user 'a\\x0Ab'"), ("root:", "group ''"),
            ("root:nobody-here", "group 'nobody-here'"),
            ("root:root:root", "group 'root:root'"), ("0:4294967295", "group '4294967295'"),
        ]
    )
    func unknown(text: String, what: String) {
        let error = #expect(throws: RekkordError.self) { try owner(text) }
        #expect(error?.kind == .usage)
        #expect(error?.message.contains("unknown \(what)") == true, "\(error?.message ?? "")")
    }
}
