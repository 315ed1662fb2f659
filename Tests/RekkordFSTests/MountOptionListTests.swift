import Core
import TestSupport
import Testing

@testable import RekkordFS

@Suite struct MountOptionListTests {
    private static let words = [
        "rw", "allow_other", "cache-size=1G", "config_file=/etc/rekkord/rekkord.ini", "fsname=x",
        "x-systemd.automount",
        "comment=a", "=", ",", "\\", "\\,", "-", "--", "help", "version", "owner=", "owner", "refresh=never",
        "C=/x", "\u{0}",
        "\u{301}", "é", "\u{F8FF}", "verbose", "verbose=1", " ",
    ]

    private func expand(_ arguments: [String]) throws(RekkordError) -> [String] {
        try MountOptionList.expand(arguments, CommandSyntax(Mount.self))
    }

    @Test("a list becomes the long options that it stands for, without what is for mount(8) alone")
    func meaning() throws {
        let options = try expand(["-f", "-o", "ro,allow_other,owner=7:8,owner,cache-size=1G", "repo", "mnt"])
        #expect(options == ["-f", "--allow-other", "--owner=7:8", "--cache-size=1G", "repo", "mnt"])
    }

    @Test(
        "a word that says too little or too much is named",
        arguments: [
            ("cache-size", "missing value for mount option 'cache-size'"),
            ("allow_other=1", "mount option 'allow_other' takes no value"),
            ("cache-sized=1", "unknown mount option 'cache-sized'"), ("help", "unknown mount option 'help'"),
        ]
    )
    func refused(word: String, message: String) {
        let error = #expect(throws: RekkordError.self) { try expand(["-o", "ro,\(word)", "mnt"]) }
        #expect(error?.kind == .usage)
        #expect(error?.message == message)
    }

    @Test("any list is either refused as usage or becomes long options", arguments: 0..<10 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let syntax = CommandSyntax(Mount.self)
        var accepted = 0
        for _ in 0..<1000 {
            let list = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                Self.words.randomElement(using: &random) ?? ""
            }.joined(separator: Bool.random(using: &random) ? "," : "")
            do throws(RekkordError) {
                let options = try MountOptionList.expand(["-o", list, "--", "-o"], syntax)
                #expect(options.suffix(2) == ["--", "-o"])
                #expect(options.dropLast(2).allSatisfy { $0.hasPrefix("--") && $0.count > 2 }, "\(list)")
                accepted += 1
            } catch {
                #expect(error.kind == .usage, "\(list)")
            }
        }
        #expect((50...950).contains(accepted))
    }
}
