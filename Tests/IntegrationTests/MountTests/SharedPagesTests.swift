import Glibc
import TestSupport
import Testing

/// What the kernel asks of several snapshots that are mounted together.
@Suite(.enabled(if: canMount, "/dev/fuse cannot be used"), .serialized)
struct SharedPagesTests {
    let setup: SaveSetup
    private static let folderCount = 12
    private static let fileCount = 20

    init() throws {
        setup = try SaveSetup()
        for folder in 0..<Self.folderCount {
            for file in 0..<Self.fileCount {
                try setup.folder.write("tree/d\(folder)/f\(file)", "content \(folder) \(file)")
            }
        }
        #expect(try setup.program.run("save", "old", "tree").status == 0)
        try setup.folder.write("tree/d3/f7", "changed")
        #expect(try setup.program.run("save", "new", "tree").status == 0)
    }

    private func tree(_ channel: String) -> String { "\"$M\"/channels/\(channel)/latest\(setup.root)/tree" }

    @Test("a second snapshot is read without reading where folders are equal")
    func secondSnapshot() throws {
        let mount = try CountedMount(setup)
        let total = Self.folderCount * Self.fileCount
        let first = try mount.requests("cat \(tree("old"))/d*/* | wc -l")
        #expect(first.counts["read"] == total)
        let second = try mount.requests("cat \(tree("new"))/d*/* | cksum; cat tree/d*/* | cksum")
        #expect(Set(second.output.split(separator: "\n")).count == 1)
        // Those of the one folder that changed.
        #expect(second.counts["read"] == Self.fileCount)
        let again = try mount.requests("cat \(tree("old"))/d*/* \(tree("new"))/d*/* | wc -c")
        #expect(again.counts["read"] == 0)
        try mount.end()
    }

    @Test("diff of two snapshots reads only what is in changed folders")
    func difference() throws {
        let mount = try CountedMount(setup)
        let (output, counts) = try mount.requests("diff -rq \(tree("old")) \(tree("new")) | wc -l")
        #expect(output == "1\n")
        // Once on each side.
        #expect(try #require(counts["read"]) <= 2 * Self.fileCount)
        #expect(try #require(counts["read"]) >= 2)
        try mount.end()
    }

    @Test("while a snapshot comes, latest always leads to one of them, and open files stay as they are")
    func newSnapshot() throws {
        let mount = try CountedMount(setup, "--refresh", "0")
        let seen = "\"$M/channels/new/latest\(setup.root)/tree/d3/f7\""
        let save =
            "REKKORD_REPOSITORY=repo REKKORD_KEY_FILE=writer.key HOME=. '\(Program.builtBinary)' save new tree"
        let output = try mount.shell(
            """
            latest="$M/channels/new/latest"; old=$(readlink "$latest"); exec 3< \(seen)
            { while [ ! -e stop ]; do readlink "$latest" || echo gone; done; } > links &
            printf 'changed again' > tree/d3/f7; \(save) > saved
            for i in $(seq 200); do cmp -s \(seen) tree/d3/f7 && break; sleep 0.05; done
            touch stop; wait
            new=$(readlink "$latest"); cat <&3; echo; cat \(seen); echo
            uniq links | sed "s/^$old$/old/; s/^$new$/new/"
            """
        )
        #expect(output == "changed\nchanged again\nold\nnew\n")
        try mount.end()
    }
}
