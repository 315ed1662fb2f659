import TestSupport
import Testing

/// The parts of a mounted repository that the kernel must not keep for long.
@Suite(.enabled(if: canMount, "/dev/fuse cannot be used"), .serialized)
struct WholeMountTests {
    let setup: SaveSetup

    init() throws {
        setup = try SaveSetup()
        #expect(try setup.program.run("save", "c", "tree").status == 0)
    }

    @Test("history shows each version of a file once, with the pages that its snapshots have")
    func history() throws {
        try setup.folder.write("tree/changing", "one")
        #expect(try setup.program.run("save", "d", "tree").status == 0)
        try setup.folder.write("tree/changing", "two!")
        #expect(try setup.program.run("save", "e", "tree").status == 0)
        #expect(try setup.program.run("save", "f", "tree").status == 0)
        let mount = try CountedMount(setup)
        let tree = setup.root + "/tree"
        #expect(try mount.shell("ls \"$M/history\"; cat \"$M\"/history\(tree)/changing/*@*") == "onetwo!")
        #expect(
            try mount.shell("cd \"$M/history\(tree)\"; ls a folder/b | wc -l; cat folder/b/*; cat none")
                == "5\nbetacat: none: No such file or directory\n"
        )
        #expect(
            try mount.shell(
                "cd \"$M/history\(tree)\"; ls | sed 's/.*@//'; cat ./*@[de]/changing; cat ./*@c/a"
            ) == "c\nd\ne\nonetwo!alpha"
        )
        let again = try mount.requests("cat \"$M\"/channels/*/latest\(tree)/changing")
        #expect(again.output == "onetwo!two!")
        #expect(again.counts["read"] == 0)
        try mount.end()
    }

    @Test("the counters are a file that is not listed and always new")
    func statistics() throws {
        let mount = try CountedMount(setup)
        #expect(
            try mount.shell("ls -A \"$M\"; ls -A \"$M/.rekkord\"") == "channels\nhistory\nsnapshots\nstats\n"
        )
        let look = "cat \"$M/.rekkord/stats\" | grep -E '^(read|getattr) '"
        let (seen, counts) = try mount.requests("\(look); \(look)")
        let lines = Set(seen.split(separator: "\n"))
        #expect(lines.count == 4)
        #expect(counts["read"] == 2)
        #expect(try #require(counts["getattr"]) >= 2)
        let size = "cd \"$M/.rekkord\"; [ $(stat -c %s stats) = $(cat stats | wc -c) ] && echo same"
        #expect(try mount.shell(size) == "same\n")
        #expect(
            try mount.shell("cd \"$M/.rekkord\"; cat other; dd if=stats bs=7 status=none | tail -n 1 | wc -w")
                == "cat: other: No such file or directory\n2\n"
        )
        try mount.end()
    }
}
