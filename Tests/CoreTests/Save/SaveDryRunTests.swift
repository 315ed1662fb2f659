import SystemPackage
import TestSupport
import Testing

@testable import Core

@Suite struct SaveDryRunTests {
    let fixture: SaveFixture

    init() throws {
        fixture = try SaveFixture()
        try fixture.write("a/file", "one")
        try fixture.write("b/file", "two")
        fixture.link("link", to: "a")
    }

    private func dryRun(_ body: () throws -> SaveResult) rethrows -> SaveResult {
        fixture.options.isDryRun = true
        defer { fixture.options.isDryRun = false }
        fixture.storage.forgetRequests()
        let result = try body()
        #expect(fixture.storage.requests.map { "\($0)" } == ["get rekkord"])
        return result
    }

    @Test("a dry run asks for the one object, tells what the save would, and leaves no trace")
    func first() throws {
        let dry = try dryRun { try fixture.save() }
        #expect(dry.object == nil && dry.time == nil && dry.isDryRun && dry.channel == Array("test".utf8))
        let real = try fixture.save()
        #expect((dry.size, dry.entries) == (real.size, real.entries))
        #expect((dry.stored, dry.added) == (real.stored, real.added))
        #expect(real.added == real.stored)
    }

    @Test("what the cache knows is not added")
    func known() throws {
        _ = try fixture.save()
        try fixture.write("b/new", String(repeating: "new content ", count: 100))
        let dry = try dryRun { try fixture.save() }
        let again = try dryRun { try fixture.save() }
        let real = try fixture.save()
        #expect(dry.added == real.added && again.added == real.added)
        #expect(dry.added > 0 && dry.added < dry.stored)
        let withoutCache = try dryRun {
            fixture.usesCache = false
            return try fixture.save()
        }
        // The snapshot itself has a new time, and so a new name, each time.
        #expect(withoutCache.added == withoutCache.stored)
    }

    @Test("without conditional writes nothing is listed either, and one object shows no ID")
    func withoutSnapshot() throws {
        fixture.test.storage["cw"] = nil
        let dry = try dryRun { try fixture.saver().store(fixture.operand(fixture.tree)) }
        #expect(dry.object == nil && dry.channel == nil)
        #expect(!fixture.test.storage.names.contains { $0.hasPrefix("blobs/") })
    }
}
