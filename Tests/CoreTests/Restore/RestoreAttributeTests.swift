import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Core

/// Owners, access control lists and other extended attributes.
@Suite struct RestoreAttributeTests {
    private let fixture: RestoreFixture
    private var test: TestRepository { fixture.test }
    private static let isRoot = geteuid() == 0

    init() throws {
        fixture = try RestoreFixture()
    }

    private func attribute(_ key: String, of name: String) -> String? {
        let value = try? System.attribute(
            Array(key.utf8),
            of: fixture.folder[name].bytes,
            followsLinks: false
        )
        return value.map { String(decoding: $0, as: UTF8.self) }
    }

    private func list(of name: String, isDefault: Bool = false) -> String? {
        let key = isDefault ? AccessControlList.defaultAttribute : AccessControlList.accessAttribute
        guard let value = try? System.attribute(key, of: fixture.folder[name].bytes, followsLinks: false)
        else {
            return nil
        }
        return (try? AccessControlList.text(fromBinary: value)).map { String(decoding: $0, as: UTF8.self) }
    }

    private func with(_ entry: Entry, _ attributes: [String: String]) -> Entry {
        let encoded = ExtendedAttributes.encode(
            attributes.map { ExtendedAttribute(key: Array($0.key.utf8), value: Array($0.value.utf8)) }
        )
        return Entry(entry.attributes, name: entry.name, extended: encoded.bytes)
    }

    private static let accessList = "user::rw-\nuser:1234:r-x\ngroup::r--\nmask::r-x\nother::---"
    private static let defaultList = "user::rwx\nuser:1234:rwx\ngroup::r-x\nmask::rwx\nother::---"

    @Test("extended attributes and access lists come back only when asked for")
    func attributes() throws {
        let file = with(
            try test.file("a", "1", mode: 0o650),
            ["user.colour": "blue", "rk.acl1": Self.accessList]
        )
        let folder = with(
            try test.folder("f", [test.file("b", "2", mode: 0o640)], mode: 0o755),
            ["user.kind": "folder", "rk.acl1d": Self.defaultList]
        )
        #expect(try fixture.restore([file, folder], to: "without").failed == 0)
        #expect(attribute("user.colour", of: "without/a") == nil && list(of: "without/a") == nil)
        fixture.options.restoresExtendedAttributes = true
        #expect(try fixture.restore([file, folder]).failed == 0)
        #expect(attribute("user.colour", of: "target/a") == "blue")
        #expect(list(of: "target/a") == Self.accessList)
        #expect(try fixture.mode("target/a") == 0o650)
        #expect(attribute("user.kind", of: "target/f") == "folder")
        #expect(list(of: "target/f", isDefault: true) == Self.defaultList)
        // What is in the folder was there before its default list.
        #expect(list(of: "target/f/b") == nil)
    }

    @Test("folders that were there lose attributes that the snapshot does not have")
    func surplusAttributes() throws {
        let folder = with(try test.folder("f", []), ["user.kind": "folder"])
        try System.makeFolders(fixture.target.appending("f"), mode: 0o755)
        let there = try System.open(fixture.target.appending("f").bytes, flags: O_RDONLY | O_DIRECTORY)
        try System.setAttribute(Array("user.old".utf8), to: [1], of: there.number)
        fixture.options.allowsExisting = true
        try fixture.restore([folder])
        #expect(attribute("user.old", of: "target/f") != nil)
        fixture.options.restoresExtendedAttributes = true
        #expect(try fixture.restore([folder]).failed == 0)
        #expect(attribute("user.old", of: "target/f") == nil)
        #expect(attribute("user.kind", of: "target/f") == "folder")
    }

    @Test("folders that were there keep their attributes where those of the snapshot are malformed")
    func malformedAttributes() throws {
        var folder = try test.folder("f", [])
        folder.extended = [9, 0, 1]
        try System.makeFolders(fixture.target.appending("f"), mode: 0o755)
        let there = try System.open(fixture.target.appending("f").bytes, flags: O_RDONLY | O_DIRECTORY)
        try System.setAttribute(Array("user.own".utf8), to: [1], of: there.number)
        let list = try AccessControlList.binary(fromText: Array(Self.defaultList.utf8))
        try System.setAttribute(AccessControlList.defaultAttribute, to: list, of: there.number)
        fixture.options.allowsExisting = true
        fixture.options.restoresExtendedAttributes = true
        #expect(try fixture.restore([folder]).failed == 1)
        #expect(attribute("user.own", of: "target/f") != nil)
        #expect(self.list(of: "target/f", isDefault: true) == Self.defaultList)
    }

    @Test("a default list of the destination gives nobody access that the snapshot does not give")
    func inheritedLists() throws {
        try System.makeFolders(fixture.target, mode: 0o700)
        let target = try System.open(fixture.target.bytes, flags: O_RDONLY | O_DIRECTORY)
        let list = try AccessControlList.binary(fromText: Array(Self.defaultList.utf8))
        try System.setAttribute(AccessControlList.defaultAttribute, to: list, of: target.number)
        try fixture.restore([
            test.file("a", "1", mode: 0o640), test.folder("f", [test.file("b", "2")], mode: 0o750),
        ])
        for name in ["target/a", "target/f", "target/f/b"] {
            #expect(self.list(of: name) == nil, "\(name)")
            #expect(self.list(of: name, isDefault: true) == nil, "\(name)")
        }
        #expect(try fixture.mode("target/a") == 0o640)
        #expect(try fixture.mode("target/f") == 0o750)
    }

    @Test("attributes that cannot be set are named, the rest of the entry is restored, and it counts once")
    func refusedAttributes() throws {
        fixture.options.restoresExtendedAttributes = true
        let file = with(
            try test.file("a", "1"),
            ["nonsense.key": "1", "user.ok": "2", "rk.acl1d": Self.defaultList]
        )
        var broken = try test.file("b", "2")
        broken.extended = [9, 0, 1]
        let result = try fixture.restore([file, broken])
        #expect(result.failed == 2 && result.files == 2)
        #expect(attribute("user.ok", of: "target/a") == "2")
        #expect(try fixture.text("target/b") == "2")
        let warnings = fixture.takeWarnings()
        #expect(warnings.count == 3)
        #expect(
            warnings.contains(
                "cannot set attribute 'nonsense.key' of '\(fixture.target)/a': Operation not supported"
            )
        )
        let malformed =
            "cannot set the extended attributes of '\(fixture.target)/b': malformed extended attributes"
        #expect(warnings.contains(malformed))
    }

    @Test(
        "set-uid, set-gid and privileged attributes come only together with the owner",
        .enabled(if: isRoot)
    )
    func privileges() throws {
        let capability = String(
            decoding: [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14),
            as: UTF8.self
        )
        var entries = [
            with(
                try test.file("program", "1", mode: 0o6755),
                ["trusted.note": "root", "security.capability": capability]
            ),
            try test.folder("shared", [], mode: 0o3775),
        ]
        for index in entries.indices {
            entries[index].uid = 1234
            entries[index].gid = 4321
        }
        fixture.options.restoresExtendedAttributes = true
        #expect(try fixture.restore(entries, to: "without").failed == 0)
        #expect(try fixture.mode("without/program") == 0o755)
        #expect(try fixture.mode("without/shared") == 0o1775)
        #expect(try fixture.status("without/program").uid == 0)
        #expect(attribute("trusted.note", of: "without/program") == nil)
        #expect(attribute("security.capability", of: "without/program") == nil)
        fixture.options.restoresOwners = true
        #expect(try fixture.restore(entries, to: "with").failed == 0)
        #expect(try fixture.mode("with/program") == 0o6755)
        #expect(try fixture.mode("with/shared") == 0o3775)
        #expect(try fixture.status("with/program").uid == 1234 && fixture.status("with/program").gid == 4321)
        #expect(attribute("trusted.note", of: "with/program") == "root")
        #expect(attribute("security.capability", of: "with/program") == capability)
    }

    @Test("links get owners and attributes of their own", .enabled(if: isRoot))
    func links() throws {
        var entry = with(try test.link("l", "a"), ["trusted.note": "link"])
        entry.uid = 77
        entry.gid = 78
        fixture.options.restoresOwners = true
        fixture.options.restoresExtendedAttributes = true
        let file = try test.file("a", "1")
        #expect(try fixture.restore([file, entry]).failed == 0)
        #expect(try fixture.status("target/l").uid == 77 && fixture.status("target/l").gid == 78)
        #expect(attribute("trusted.note", of: "target/l") == "link")
        #expect(attribute("trusted.note", of: "target/a") == nil)
    }
}
