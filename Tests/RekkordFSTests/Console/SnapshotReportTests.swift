import Core
import Foundation
import TestSupport
import Testing

@testable import RekkordFS

/// Gathers what a report prints.
final class PrintedText {
    private(set) var text = ""
    func emit(_ more: String) { text += more }
}

@Suite struct SnapshotReportTests {
    private let tags: [SnapshotTag]

    init() throws {
        let test = try TestRepository()
        let file = try test.file("a", "1")
        try test.snapshot("webserver", milliseconds: 1_767_619_231_000, [file], size: 2_407_000_000)
        try test.snapshot("a<b>\n", milliseconds: 1_767_619_231_500, [file], size: 7)
        try test.snapshot("webserver", milliseconds: -1, [file], size: 241)
        tags = try test.repository.listTags().tags
    }

    private func snapshots(_ format: OutputFormat, sort: String = "Time", verbosity: Int = 0) throws -> String
    {
        let printed = PrintedText()
        let order = try SnapshotReport.Order(sort)
        SnapshotReport(tags: order.sort(tags), verbosity: verbosity).print(as: format, printed.emit)
        return printed.text
    }

    private func channels(_ format: OutputFormat, staleBefore: Timestamp? = nil, verbosity: Int = 0) -> String
    {
        let printed = PrintedText()
        ChannelReport(tags, staleBefore: staleBefore, verbosity: verbosity).print(as: format, printed.emit)
        return printed.text
    }

    private func local(_ index: Int) -> String { CalendarTime.local(tags[index].time) }

    @Test("snapshots as plain text, oldest first")
    func plain() throws {
        #expect(tags.map(\.size) == [241, 2_407_000_000, 7])
        let stored = HumanText.size(tags[0].stored)
        let added = HumanText.size(tags[0].added)
        let first = """
            webserver                                \(local(0))
              + OID: \(tags[0].snapshot)
              + Size: 241 B
              + Stored: \(stored)
              + Added: \(added)

            """
        #expect(try snapshots(.plain).hasPrefix(first))
        #expect(try snapshots(.plain).contains("\na<b>\\x0A" + String(repeating: " ", count: 33) + local(2)))
        #expect(try snapshots(.plain).contains("\n  + Size: 2.407 GB\n"))
        let tag = tags[0].objectName
        #expect(
            try snapshots(.plain, verbosity: 1)
                .hasPrefix(first + "  + Tag: \(tag)\n  + Key: 00000000000000000000000000000000\n")
        )
    }

    @Test("until when a snapshot is protected shows where it is known")
    func protectedUntil() throws {
        let printed = PrintedText()
        var report = SnapshotReport(tags: tags, verbosity: 1)
        let end = Timestamp(milliseconds: 1_770_211_231_000)
        report.protectedUntil = [tags[1].snapshot: end]
        report.print(as: .plain, printed.emit)
        let line = "\n  + Protected until: \(CalendarTime.local(end))\n"
        #expect(printed.text.components(separatedBy: "Protected until").count == 2)
        #expect(printed.text.contains("  + Key: 00000000000000000000000000000000" + line))
        let json = PrintedText()
        report.print(as: .json, json.emit)
        #expect(json.text.contains("\"protected_until\": \"2026-02-04T13:20:31.000Z\"}"))
        let xml = PrintedText()
        report.print(as: .xml, xml.emit)
        #expect(xml.text.contains(" ProtectedUntil=\"2026-02-04T13:20:31.000Z\""))
        #expect(xml.text.components(separatedBy: "ProtectedUntil").count == 2)
    }

    @Test("snapshots as JSON, each value under its key")
    func json() throws {
        let lines = try snapshots(.json).split(separator: "\n")
        #expect(lines.count == 5 && lines.first == "[" && lines.last == "]")
        let tag = tags[1]
        #expect(
            lines[2] == """
                {"channel": "webserver", "object": "\(tag.snapshot)", "time": "2026-01-05T13:20:31.000Z", \
                "size": 2407000000, "stored": \(tag.stored), "added": \(tag.added), "tag": "\(tag.objectName)", \
                "key": "00000000000000000000000000000000"},
                """
        )
        #expect(lines[1].contains("\"time\": \"1969-12-31T23:59:59.999Z\""))
        #expect(lines[3].contains("\"channel\": \"a<b>\\n\""))
    }

    @Test("snapshots as XML, each value an attribute")
    func xml() throws {
        let tag = tags[1]
        let lines = try snapshots(.xml).split(separator: "\n")
        #expect(lines.first == "<?xml version=\"1.0\"?>" && lines[1] == "<Snapshots>")
        #expect(lines.last == "</Snapshots>")
        #expect(
            lines[3] == """
                  <Snapshot Channel="webserver" Object="\(tag.snapshot)" Time="2026-01-05T13:20:31.000Z" \
                Size="2407000000" Stored="\(tag.stored)" Added="\(tag.added)" Tag="\(tag.objectName)" \
                Key="00000000000000000000000000000000" />
                """
        )
        #expect(lines[4].contains("Channel=\"a&lt;b&gt;&#xA;\""))
    }

    @Test(
        "a list of words sorts, a tilde reverses, equal ones stay by time",
        arguments: [
            ("Size", [7, 241, 2_407_000_000]), ("~Size", [2_407_000_000, 241, 7]),
            ("channel", [7, 241, 2_407_000_000]), ("Channel ~Time", [7, 2_407_000_000, 241]),
            ("~channel,TIME", [241, 2_407_000_000, 7]), ("~Time", [7, 2_407_000_000, 241]),
            ("", [241, 2_407_000_000, 7]),
        ]
    )
    func order(sort: String, sizes: [Int64]) throws {
        #expect(try SnapshotReport.Order(sort).sort(tags).map(\.size) == sizes)
    }

    @Test("an unknown word is refused")
    func badOrder() {
        #expect(throws: FormatError("'Age' is none of Object, Time, Channel, Size, Stored, Added")) {
            try SnapshotReport.Order("Time,~Age")
        }
    }

    @Test("channels by name, each with its newest snapshot")
    func channelText() {
        #expect(
            channels(.plain) == """
                a<b>\\x0A                        1 snapshots  \(local(2))  7 B
                webserver                       2 snapshots  \(local(1))  2.407 GB

                """
        )
        #expect(channels(.plain, verbosity: 1).hasSuffix("  2.407 GB\n  + OID: \(tags[1].snapshot)\n"))
        #expect(
            channels(.json) == """
                [
                {"channel": "a<b>\\n", "object": "\(tags[2].snapshot)", "time": "2026-01-05T13:20:31.500Z", "size": 7, "count": 1},
                {"channel": "webserver", "object": "\(tags[1].snapshot)", "time": "2026-01-05T13:20:31.000Z", "size": 2407000000, "count": 2}
                ]

                """
        )
        #expect(
            channels(.xml) == """
                <?xml version="1.0"?>
                <Channels>
                  <Channel Name="a&lt;b&gt;&#xA;" Object="\(tags[2].snapshot)" Time="2026-01-05T13:20:31.500Z" Size="7" Count="1" />
                  <Channel Name="webserver" Object="\(tags[1].snapshot)" Time="2026-01-05T13:20:31.000Z" Size="2407000000" Count="2" />
                </Channels>

                """
        )
    }

    @Test("stale channels are those whose newest snapshot is older")
    func stale() {
        #expect(channels(.plain, staleBefore: tags[1].time).isEmpty)
        #expect(channels(.plain, staleBefore: tags[2].time).hasPrefix("webserver"))
        #expect(channels(.json, staleBefore: tags[0].time) == "[]\n")
        #expect(channels(.xml, staleBefore: tags[0].time) == "<?xml version=\"1.0\"?>\n<Channels />\n")
    }
}
