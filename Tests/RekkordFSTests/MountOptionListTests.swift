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
