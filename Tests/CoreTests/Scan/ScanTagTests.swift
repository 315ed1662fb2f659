@testable import Core
import TestSupport
import Testing

@Suite struct ScanTagTests {
    private static let day: Int64 = 86_400

    /// The main tags, and the other parts of tags.
    private func tags(_ fixture: ScanFixture) -> (mains: [String], fragments: [String]) {
        let names = fixture.storage.names
        return (names.filter { $0.hasPrefix("tags/M/") }, names.filter { $0.hasPrefix("tags/P/") })
    }

    private func changed(_ name: String, last: Int) -> String {
        var characters = Array(name)
        let index = characters.count - last
        characters[index] = characters[index] == "A" ? "B" : "A"
        return String(characters)
    }

    private func rename(_ name: String, to other: String, in fixture: ScanFixture) {
        fixture.storage[name] = nil
        fixture.storage[other] = []
    }

    @Test("altered tags are named, whoever made them, and what they say is not used")
    func altered() throws {
        for isDerived in [false, true] {
            let fixture = try ScanFixture()
            try fixture.sample(author: isDerived ? fixture.writer() : nil)
            let main = try #require(tags(fixture).mains.first)
            // The last 86 characters are the signature, those before it are sealed.
            for (last, word) in [(10, "signature"), (200, isDerived ? "tag" : "signature")] {
                let forged = changed(main, last: last)
                rename(main, to: forged, in: fixture)
                let report = try fixture.scan()
                #expect(report.problems.map(\.what.name) == [word])
                #expect(report.problems.first?.objectName == forged)
                #expect(report.snapshots == 0 && report.unusableTags == 1)
                #expect(report.orphans == nil)
                rename(forged, to: main, in: fixture)
            }
            try fixture.scan().expectAllClear()
        }
    }

    @Test("names below tags/ that are no tags are damage, and hide nothing")
    func malformed() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        let planted = ["tags/M/x", "tags/M/\(KeyID.master)/AAAA", "tags/M/\(KeyID.master)/"]
        for name in planted { fixture.storage[name] = [] }
        let report = try fixture.scan()
        #expect(report.problems.compactMap(\.objectName).sorted() == planted.sorted())
        #expect(report.problems.allSatisfy { $0.what == .damage(.tag) })
        #expect(report.snapshots == 1 && report.damagedSnapshots == 0)
    }

    @Test("a missing or altered fragment is damage; one that no tag uses is not")
    func fragments() throws {
        let fixture = try ScanFixture()
        try fixture.sample()
        let (main, fragment) = (
            try #require(tags(fixture).mains.first), try #require(tags(fixture).fragments.first)
        )
        fixture.storage["tags/P/C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF_00_AAAA"] = []
        try fixture.scan().expectAllClear()
        rename(fragment, to: changed(fragment, last: 5), in: fixture)
        let report = try fixture.scan()
        #expect(report.summaries == ["fragment"])
        #expect(report.problems.first?.objectName == main)
        #expect(report.problems.first?.message == "fragment 0 is missing")
    }

    @Test("a badge may be missing for a day, and the snapshot is checked all the same")
    func missingBadge() throws {
        for (age, isDamage) in [(0, false), (Self.day, false), (Self.day + 1, true), (-1, true)] {
            let fixture = try ScanFixture()
            let sample = try fixture.sample(ageSeconds: age, author: fixture.writer())
            let badge = "keys/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
            fixture.storage[badge] = nil
            fixture.storage[sample.chunk.objectName] = nil
            let report = try fixture.scan()
            let chunk = "missing web@\(age) home/docs/table 5+6"
            #expect(report.summaries == (isDamage ? ["badge", chunk] : [chunk]))
            #expect(fixture.warnings.lines.count == (isDamage ? 0 : 1))
            #expect(fixture.warnings.lines.allSatisfy { $0.hasPrefix("'\(badge)' is missing: ") })
            if isDamage { #expect(report.problems.first?.objectName == badge) }
            #expect(report.snapshots == 1)
        }
    }

    @Test("badges that the master never signed, of another key or of one that cannot save, prove nothing")
    func badBadges() throws {
        let fixture = try ScanFixture()
        try fixture.sample(author: fixture.writer())
        let name = "keys/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
        let badge = try #require(fixture.storage[name])
        let stranger = KeyFile.generateMaster().keys
        let id = try #require(KeyID(Array(0xA0...0xAF)))
        let other = try #require(KeyID(Array(0xB0...0xBF)))
        func made(_ type: KeyType, by master: KeySet, _ id: KeyID) throws -> [UInt8] {
            let seed = GoldenKeys.secret(from: 0x20)
            return try #require(KeyFile.derive(type, from: master, id: id, signingSeed: seed).keys.badge)
                .bytes
        }
        let master = try GoldenKeys.master()
        let wrong: [[UInt8]] = [
            [], Array(badge.dropLast()), badge + [0], badge + [UInt8](repeating: 0, count: 5000),
            try made(.writeOnly, by: stranger, id), try made(.writeOnly, by: master, other),
            try made(.logOnly, by: master, id),
        ]
        for bytes in wrong {
            fixture.storage[name] = bytes
            let report = try fixture.scan()
            #expect(report.summaries == ["badge"])
            #expect(report.problems.first?.objectName == name)
            #expect(report.damagedSnapshots == 1 && report.snapshots == 1)
        }
        fixture.storage[name] = badge
        try fixture.scan().expectAllClear()
    }

    @Test("a badge that cannot be read is not damage")
    func unreadBadge() throws {
        let fixture = try ScanFixture()
        try fixture.sample(author: fixture.writer())
        fixture.faulty.fail { _, request in
            request.name.hasPrefix("keys/") ? RekkordError(.denied, "cannot read '\(request.name)'") : nil
        }
        let report = try fixture.scan()
        #expect(report.summaries == ["permission"])
        #expect(!report.hasDamage && report.snapshots == 1)
    }

    @Test("a tag copied under another key is named, and does not hide the one of its author")
    func copies() throws {
        let fixture = try ScanFixture()
        try fixture.sample(author: fixture.writer())
        let main = try #require(tags(fixture).mains.first)
        let own = "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
        for (index, other) in ["00A1A2A3A4A5A6A7A8A9AAABACADAEAF", "FFA1A2A3A4A5A6A7A8A9AAABACADAEAF"]
            .enumerated()
        {
            let copy = main.replacing(own, with: other)
            fixture.storage[copy] = []
            let report = try fixture.scan()
            // Nobody has that key; its badge may still come.
            #expect(fixture.warnings.lines.count == index + 1)
            #expect(fixture.warnings.lines.last?.hasPrefix("'keys/\(other)' is missing: ") == true)
            #expect(report.summaries == [])
            #expect(report.snapshots == 1 && report.damagedSnapshots == 0)
            fixture.storage[copy] = nil
        }
        let master = main.replacing(own, with: KeyID.master.description)
        fixture.storage[master] = []
        let report = try fixture.scan()
        #expect(report.problems.map(\.what.name) == ["signature"])
        #expect(report.problems.first?.objectName == master)
        #expect(report.snapshots == 1 && report.damagedSnapshots == 0)
    }

    @Test(
        "a tag that says something else than its snapshot is damage",
        arguments: ["channel", "time", "size", "stored size", "added size"]
    )
    func agreement(_ field: String) throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        let honest = try #require(try fixture.test.repository.listTags().tags.first)
        var payload = honest.payload
        switch field {
        case "channel": payload.channel = Array("wéb".utf8)
        case "time": payload.time = Timestamp(milliseconds: payload.time.milliseconds + 1)
        case "size": payload.size += 1
        case "stored size": payload.stored += 1
        default: payload.added += 1
        }
        fixture.storage[honest.objectName] = nil
        try fixture.test.repository.writeTag(sample.snapshot, payload)
        let report = try fixture.scan()
        #expect(report.problems.map(\.what.name) == ["tag"])
        #expect(report.problems.first?.message == "\(field) of the tag and of the snapshot differ")
        #expect(report.damagedSnapshots == 1 && report.snapshots == 1)
        #expect(report.blobs.verified == 9)
    }

    @Test("a snapshot blob that was not counted as added, since an answer was lost, is no damage")
    func lostAnswer() throws {
        let fixture = try ScanFixture()
        let sample = try fixture.sample()
        let honest = try #require(try fixture.test.repository.listTags().tags.first)
        var payload = honest.payload
        payload.added = 200
        fixture.storage[honest.objectName] = nil
        try fixture.test.repository.writeTag(sample.snapshot, payload)
        try fixture.scan().expectAllClear()
    }

    @Test("a repository without snapshots is fine")
    func noSnapshots() throws {
        let fixture = try ScanFixture(retainDays: 30)
        let report = try fixture.scan()
        report.expectAllClear()
        #expect(report.snapshots == 0)
        #expect(fixture.faulty.requests.allSatisfy { $0.verb == .list })
    }
}
