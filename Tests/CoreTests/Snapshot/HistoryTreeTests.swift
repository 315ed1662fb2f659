import Testing

@testable import Core

@Suite struct HistoryTreeTests {
    @Test("a path is kept from its first use on, and one that was only asked for is not")
    func keeping() {
        let tree = HistoryTree(byteLimit: 100)
        weak var unused: HistoryFolder?
        weak var used: HistoryFolder?
        do {
            let folder = tree.root.child([97])
            tree.use(folder, byteCount: 60)
            (unused, used) = (tree.root.child([98]), folder)
        }
        #expect(unused == nil)
        #expect(used != nil && tree.root.child([97]) === used)
        tree.use(tree.root.child([99]), byteCount: 60)
        #expect(used == nil, "there is no room for both")
    }

    @Test("all paths end with the tree")
    func end() {
        weak var path: HistoryFolder?
        do {
            let tree = HistoryTree(byteLimit: 100)
            let around = tree.root.child([97])
            let deeper = around.child([98])
            for folder in [tree.root, around, deeper] { tree.use(folder, byteCount: 1) }
            path = deeper
            #expect(path != nil)
        }
        #expect(path == nil)
    }
}
