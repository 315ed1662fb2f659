import TestSupport
import Testing

@testable import Core

@Suite struct RootTreeTests {
    private static let time = Timestamp(milliseconds: 42)

    private func tree(_ roots: [Entry]) -> RootTree {
        RootTree(roots: roots, time: Self.time, uid: 7, gid: 8)
    }

    private func folder(_ name: String) -> Entry {
        EntrySamples.entry(name, .directory, mode: 0o700, size: 0)
    }

    private func names(_ view: FolderView) -> [String] {
        (0..<view.count).map { view.withName(at: $0) { String(decoding: $0, as: UTF8.self) } }
    }

    private func item(_ view: FolderView, _ name: String) throws -> FolderView.Item {
        try #require(view.item(named: Array(name.utf8)))
    }

    @Test("parents that were not saved are folders of the process with the time of the snapshot")
    func parents() throws {
        let top = tree([folder("home/alice"), EntrySamples.entry("etc/passwd"), folder("srv")]).top
        #expect(names(top) == ["etc", "home", "srv"])
        let home = try item(top, "home")
        #expect(home.isSynthetic && home.isFolder && home.entry.objectID == nil && home.entry.size == 1)
        #expect(try item(top, "etc").entry.size == 0)
        #expect(home.entry.mode == 0o755 && home.entry.uid == 7 && home.entry.gid == 8)
        #expect([home.entry.mtime, home.entry.ctime, home.entry.btime] == [Self.time, Self.time, Self.time])
        let inside = FolderView(stored: nil, overlay: home.overlay)
        #expect(names(inside) == ["alice"])
        let alice = try item(inside, "alice")
        #expect(!alice.isSynthetic && alice.overlay == nil && alice.entry.mode == 0o700)
        #expect(alice.entry.name == Array("alice".utf8))
        #expect(
            try item(FolderView(stored: nil, overlay: item(top, "etc").overlay), "passwd").entry.kind == .file
        )
        #expect(top.item(named: Array("nothing".utf8)) == nil)
    }

    @Test("siblings that begin with each other's names stay apart")
    func order() throws {
        let top = tree(["a/z", "a-b", "a", "a b", "a/b/c", "aa"].map { folder($0) }).top
        #expect(names(top) == ["a", "a b", "a-b", "aa"])
        let a = try item(top, "a")
        #expect(!a.isSynthetic)
        #expect(names(FolderView(stored: nil, overlay: a.overlay)) == ["b", "z"])
    }

    @Test("a path saved by itself replaces the entry in a saved folder around it, in its place")
    func replaced() throws {
        let stored = try EntrySamples.directory([
            EntrySamples.entry("x"), EntrySamples.entry("docs", .directory, mode: 0o711),
            EntrySamples.entry("y"),
        ])
        let top = tree([folder("home"), folder("home/docs"), EntrySamples.entry("home/new", mode: 0o600)]).top
        let home = try item(top, "home")
        #expect(!home.isSynthetic && home.entry.objectID != nil)
        let view = FolderView(stored: stored, overlay: home.overlay)
        #expect(view.isMerged && view.count == 4 && view.folderCount == 1)
        #expect(names(view) == ["x", "docs", "y", "new"])
        #expect(view.item(at: 1).entry.mode == 0o700 && view.attributes(at: 1).mode == 0o700)
        #expect(view.item(at: 1).overlay == nil)
        #expect(view.attributes(at: 3).mode == 0o600 && view.attributes(at: 0).mode == 0o644)
        #expect(try item(view, "new").entry.mode == 0o600)
    }

    @Test("between two saved folders the stored entry stays and hands the overlay on")
    func between() throws {
        let stored = try EntrySamples.directory([
            EntrySamples.entry("u", .directory, mode: 0o711), EntrySamples.entry("f"),
        ])
        let roots = ["home", "home/u/docs", "home/f/docs", "home/gone/docs"]
        let home = try item(tree(roots.map { folder($0) }).top, "home")
        let view = FolderView(stored: stored, overlay: home.overlay)
        #expect(names(view) == ["u", "f", "gone"])
        let u = try item(view, "u")
        #expect(!u.isSynthetic && u.entry.mode == 0o711 && u.overlay != nil)
        for name in ["f", "gone"] {
            let made = try item(view, name)
            #expect(made.isSynthetic && made.isFolder && made.entry.mode == 0o755)
            #expect(names(FolderView(stored: nil, overlay: made.overlay)) == ["docs"])
        }
    }

    @Test("a saved file with saved paths below is shown as a folder")
    func fileInTheWay() throws {
        let a = try item(tree([EntrySamples.entry("a"), EntrySamples.entry("a/b")]).top, "a")
        #expect(a.isSynthetic && a.isFolder)
        #expect(names(FolderView(stored: nil, overlay: a.overlay)) == ["b"])
    }

    @Test("a root of thirty thousand names and ten thousand roots side by side do no harm")
    func large() throws {
        let deep = tree([folder(Array(repeating: "d", count: 30_000).joined(separator: "/"))])
        var view = deep.top
        var depth = 0
        while let overlay = view.item(at: 0).overlay {
            view = FolderView(stored: nil, overlay: overlay)
            depth += 1
        }
        #expect(depth == 29_999)

        var random = SeededRandom(3)
        let wide = tree((0..<10_000).map { folder("n\($0)") }.shuffled(using: &random)).top
        #expect(wide.count == 10_000)
        for index in 0..<wide.count {
            let name = wide.item(at: index).entry.name
            #expect(name.withRawBytes { wide.index(of: $0) } == index)
        }
    }

    @Test("random roots show each saved path exactly where it was", arguments: 0..<30 as Range<UInt64>)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let paths = Set(
            (0..<Int.random(in: 1...30, using: &random)).map { _ in
                (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    ["a", "b", "c", "-", "a-"].randomElement(using: &random) ?? "a"
                }.joined(separator: "/")
            }
        ).shuffled(using: &random)
        let top = tree(paths.map { folder($0) }).top
        var shown: [String] = []
        var stack = [(path: "", view: top)]
        while let (path, view) = stack.popLast() {
            #expect(names(view) == names(view).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            for index in 0..<view.count {
                let item = view.item(at: index)
                let name = path + String(decoding: item.entry.name, as: UTF8.self)
                if !item.isSynthetic { shown.append(name) }
                if let overlay = item.overlay {
                    stack.append((name + "/", FolderView(stored: nil, overlay: overlay)))
                }
            }
        }
        #expect(Set(shown) == Set(paths) && shown.count == paths.count, "seed \(seed)")
    }
}
