import TestSupport
import Testing

@testable import Core

@Suite struct SnapshotResolverTests {
    private let test: TestRepository
    private let older: ObjectID
    private let newer: ObjectID

    init() throws {
        test = try TestRepository()
        let file = try test.file("notes", "text")
        let docs = try test.folder("docs", [file])
        let home = try test.folder("home/alice", [docs, file, TestRepository.entry("locked", .directory)])
        older = try test.snapshot("web", milliseconds: 1000, [home])
        newer = try test.snapshot("web", milliseconds: 2000, [home, test.folder("home/alice/docs", [])])
        try test.snapshot("web:etc", milliseconds: 1500, [test.file("hosts", "x")])
    }

    private func resolve(_ text: String) throws(RekkordError) -> SnapshotResolver.Target {
        let resolver = SnapshotResolver(test.repository) { Issue.record("warning: \($0)") }
        return try resolver.resolve(try Identifier(Array(text.utf8)))
    }

    private func snapshot(_ text: String) throws -> ObjectID? {
        guard case .snapshot(let snapshot) = try resolve(text) else { return nil }
        return snapshot.id
    }

    private func folder(_ text: String) throws -> [String]? {
        guard case .folder(let folder) = try resolve(text) else { return nil }
        return (0..<folder.view.count).map {
            folder.view.withName(at: $0) { String(decoding: $0, as: UTF8.self) }
        }
    }

    private func leaf(_ text: String) throws -> String? {
        guard case .leaf(let leaf) = try resolve(text) else { return nil }
        return leaf.noun
    }

    private func failure(_ text: String) -> RekkordError? {
        do {
            _ = try resolve(text)
            return nil
        } catch {
            return error
        }
    }

    @Test("a channel is its newest snapshot; of equal times the greatest id wins")
    func newest() throws {
        #expect(try snapshot("web") == newer)
        #expect(try snapshot("web:") == newer)
        #expect(try snapshot("web:/") == newer)
        let file = try test.file("a", "a")
        let same = try (0..<8).map { try test.snapshot("same", milliseconds: 5000, [file], size: $0) }
        #expect(try snapshot("same") == same.max())
    }

    @Test("an id is used without listing, in either case")
    func identifier() throws {
        for name in test.storage.names where name.hasPrefix("tags/") { test.storage[name] = nil }
        #expect(try snapshot(older.description) == older)
        #expect(try snapshot("M" + older.description.dropFirst().lowercased()) == older)
        #expect(try folder(older.description + ":home") == ["alice"])
        #expect(failure("web")?.message == "cannot find 'web'")
    }

    @Test("the longest channel that exists wins")
    func longest() throws {
        #expect(try snapshot("web:etc") != newer)
        #expect(try folder("web:home") == ["alice"])
        #expect(try leaf("web:etc:hosts") == "file")
        #expect(failure("web:etc:home")?.message == "cannot find 'web:etc:home'")
    }

    @Test("parents that were not saved, folders and what replaces them can be addressed")
    func paths() throws {
        #expect(try folder("web:/home/alice/") == ["docs", "notes", "locked"])
        #expect(try folder("web:home/alice/docs") == [])
        #expect(try folder("\(older):home/alice/docs") == ["notes"])
        #expect(try leaf("web:home/alice/notes") == "file")
        guard case .folder(let home) = try resolve("web:home") else {
            Issue.record("no folder")
            return
        }
        #expect(home.id == nil && home.item?.isSynthetic == true)
        guard case .folder(let alice) = try resolve("web:home/alice") else {
            Issue.record("no folder")
            return
        }
        #expect(alice.id == alice.item?.entry.objectID && alice.view.isMerged)
        let id = try #require(alice.id)
        #expect(try folder(id.description) == ["docs", "notes", "locked"])
        #expect(try folder("\(id):docs") == ["notes"])
        #expect(try leaf(try test.file("x", "text").objectID?.description ?? "") == "file")
    }

    @Test(
        "what does not exist is not found",
        arguments: [
            "nothing", "web:nothing", "web:home/alice/notes/x", "web:home/nothing/x", "web::home",
            "M0000000000000000000000000000000000000000000000000000000000000000",
        ]
    )
    func notFound(text: String) {
        let error = failure(text)
        #expect(error?.kind == .notFound && error?.message == "cannot find '\(text)'")
    }

    @Test("steps through the tree are refused, also in a channel's path")
    func dots() {
        #expect(failure("web:home/../x")?.kind == .usage)
        #expect(failure("\(older):..")?.kind == .usage)
    }

    @Test("a folder that could not be read says why")
    func unreadable() throws {
        #expect(
            failure("web:home/alice/locked")?.message
                == "cannot read 'web:home/alice/locked': it could not be read when it was saved"
        )
        test.storage[newer.objectName] = nil
        #expect(failure("web")?.kind == .missing)
        #expect(failure("web")?.message == "cannot read 'web': \(newer): object is missing")
        test.storage[older.objectName]?[120] ^= 1
        #expect(failure("\(older)")?.kind == .corrupted)
    }

    @Test("sizes of a snapshot include its own object, as those of its tag do")
    func sizes() throws {
        guard case .snapshot(let snapshot) = try resolve("web") else {
            Issue.record("no snapshot")
            return
        }
        let tag = try #require(test.repository.listTags().newest(of: Array("web".utf8)))
        #expect(snapshot.stored == tag.stored && snapshot.added == tag.added && snapshot.added > 200)
    }
}
