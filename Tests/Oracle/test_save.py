"""What the built program saves, judged by the oracle."""

import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from foreign import FixtureCase
from odd_tree import make_odd_tree, write
from program import PROGRAM, SandboxCase
from rekkord_oracle import blobs, chunking, extract, keys, live, tags, tree
from rekkord_oracle.repository import Repository
from rekkord_oracle.verify import Verification


class SaveTests(SandboxCase):
    def setUp(self):
        super().setUp()
        self.make_repository()
        self.source = self.path("source")

    def newest(self, channel):
        return [tag for tag in self.reader().tags()[0] if tag.payload.channel == os.fsencode(channel)][-1]

    def root_entry(self, channel):
        return self.reader().snapshot(self.newest(channel).digest).level.entries[0]

    def find(self, channel, path):
        """The entry at a path below the first root of the newest snapshot."""
        reader = self.reader()
        entry = self.root_entry(channel)
        for name in os.fsencode(path).split(b"/"):
            entry = next(e for e in reader.directory(entry.hash).entries if e.name == name)
        return entry


class InitTests(SaveTests):
    def test_an_empty_repository_is_sound(self):
        counts = self.assert_sound().counts
        self.assertEqual((counts["objects"], counts["bytes"]), (2, 4203))

    def test_keys_are_what_they_should_be(self):
        master = keys.load_key(self.key("Master"))
        self.assertEqual(master.type, keys.MASTER)
        for number, name in enumerate(keys.TYPE_NAMES):
            key = keys.load_key(self.key(name))
            self.assertEqual((key.type, key.akey, key.vkey), (number, master.akey, master.vkey))
            self.assertEqual(os.stat(self.key(name)).st_mode & 0o777, 0o600)
            shown = self.run_program("identify", "-R", self.repo, "-K", self.key(name)).stdout.decode()
            self.assertIn(f"Key ID: {key.kid_text}\nKey type: {name}\n", shown)

    def test_oracle_keys_are_accepted(self):
        master = keys.load_key(self.key("Master"))
        for key_type in (keys.WRITE_ONLY, keys.READ_WRITE, keys.LOG_ONLY):
            path = self.path(f"oracle-{key_type}.key")
            write(path, keys.encode_pem(keys.derive_raw(master, key_type)).encode(), 0o600)
            shown = self.run_program("identify", "-R", self.repo, "-K", path).stdout.decode()
            self.assertIn(f"Key type: {keys.TYPE_NAMES[key_type]}", shown)

    def test_a_new_cache_id_keeps_the_repository(self):
        before = self.reader().config
        self.run_program("change_cid", "-R", self.repo, "-K", self.key("Master"))
        after = self.reader().config
        self.assertEqual(before.repository_id, after.repository_id)
        self.assertNotEqual(before.cache_id, after.cache_id)
        self.assert_sound()


class TreeTests(SaveTests):
    META = ("-m", "ATime,XAttrs")

    def setUp(self):
        super().setUp()
        make_odd_tree(self.source)

    def test_an_odd_tree_is_saved_whole(self):
        for chunking_name, level in (("Stable", 1), ("Rekkord", 6)):
            with self.subTest(chunking=chunking_name):
                ini = self.path(f"{chunking_name}.ini")
                write(ini, f"[Settings]\nChunking = {chunking_name}\nCompressionLevel = {level}\n".encode())
                self.save(chunking_name, self.source, options=("-C", ini, *self.META, "--force"))
                counts = self.assert_equal_tree(chunking_name, "/", attributes=True, ctime=True)
                self.assertGreater(counts["bytes"], 60 << 20)
                self.assertEqual(counts["not stored"], 0)
                self.assertEqual(counts["special"], 4 if os.geteuid() == 0 else 2)
                self.assert_cuts(chunking_name)
        verification = self.assert_sound()
        self.assertNotIn("unsorted", verification.counts)

    def assert_cuts(self, chunking_name):
        """Every file is cut where the format says."""
        reader = self.reader()
        for name in ("several-chunks", "shifted", "more-zeros", "one-byte-more", "sparse"):
            with open(os.path.join(self.source, "contents", name), "rb") as file:
                data = file.read()
            if chunking_name == "Stable":
                expected = chunking.stable_ends(data, reader.keys.splitter_key())
            else:
                expected = chunking.rekkord_ends(data, reader.keys.splitter_seed())
            found, _ = reader.file_chunks(self.find(chunking_name, f"contents/{name}").hash)
            self.assertEqual([chunk.offset + chunk.size for chunk in found], expected, name)

    def test_an_extracted_tree_equals_its_source(self):
        self.save("web", self.source, options=("-m", "XAttrs"))
        reader = self.reader("ReadWrite")
        extraction = extract.Extraction(reader, owner=os.geteuid() == 0, attributes=True)
        target = self.path("out")
        extraction.run(reader.resolve("web"), target)
        self.assertEqual(extraction.problems, [])
        copy = target + self.source
        # Tools with path names cannot go that deep, and special files are not restored.
        for folder in (self.source, copy):
            live.remove_tree(os.path.join(folder, "d" * 100))
        shutil.rmtree(os.path.join(self.source, "special"))
        shutil.rmtree(os.path.join(copy, "special"))
        os.utime(self.source, ns=(0, 0))
        os.utime(copy, ns=(0, 0))
        listing = ["find", ".", "-printf", "%y %m %U %G %s %P %l\\0"]
        found = [sorted(subprocess.check_output(listing, cwd=f).split(b"\0")) for f in (self.source, copy)]
        folder_sizes = [[line for line in lines if not line.startswith(b"d ")] for lines in found]
        self.assertEqual(folder_sizes[0], folder_sizes[1])
        subprocess.run(["diff", "-r", "--no-dereference", self.source, copy], check=True)

    def test_a_second_save_adds_next_to_nothing(self):
        self.save("web", self.source)
        first = self.newest("web")
        self.save("web", self.source)
        second = self.newest("web")
        self.assertNotEqual(first.digest, second.digest)
        self.assertEqual(first.payload.size, second.payload.size)
        self.assertLess(second.payload.added, 2_000)
        self.save("web", self.source, options=("--force",))
        self.assertLess(self.newest("web").payload.added, 2_000)
        write(os.path.join(self.source, "contents/text"), b"changed")
        self.save("web", self.source)
        self.assertLess(self.newest("web").payload.added, 10_000)
        self.assert_equal_tree("web", "/")
        self.assert_sound()

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_what_a_user_cannot_read_is_kept_without_content(self):
        os.chown(self.folder, 65534, 65534)
        for name in ("cache", "repo"):
            os.makedirs(self.path(name), exist_ok=True)
        for folder, folders, files in os.walk(self.repo):
            for name in [*folders, *files, "."]:
                os.chown(os.path.join(folder, name), 65534, 65534)
        os.chown(self.path("cache"), 65534, 65534)
        os.chown(self.key("WriteOnly"), 65534, 65534)
        private = os.path.join(self.source, "private")
        os.mkdir(private)
        write(os.path.join(private, "file"), b"secret", 0o600)
        os.chmod(private, 0o700)
        result = self.save("web", self.source, status=3, user=65534, group=65534, extra_groups=[])
        for name in ("private", "modes/file-0000", "modes/folder-0000"):
            self.assertIn(f"cannot read '{self.source}/{name}': Permission denied".encode(), result.stderr)
        self.assertIn(b"entries could not be read", result.stderr)
        counts = self.assert_equal_tree("web", "/")
        self.assertGreaterEqual(counts["not stored"], 3)
        self.assert_sound()
        folder = self.find("web", "private")
        self.assertEqual((folder.flags & 3, folder.kind, folder.size), (tree.STATED, tree.KIND_DIRECTORY, 0))
        file = self.find("web", "modes/file-0000")
        self.assertEqual((file.flags & 3, file.hash, file.size), (tree.STATED, tree.NO_HASH, 6))


class OperandTests(SaveTests):
    def setUp(self):
        super().setUp()
        for name in ("a/b/c", "other"):
            os.makedirs(os.path.join(self.source, name))
        for index, name in enumerate(("file", "a/one", "a/b/two", "a/b/c/three", "other/four")):
            write(os.path.join(self.source, name), b"%d" % index)

    def roots(self, channel):
        snapshot = self.reader().snapshot(self.newest(channel).digest)
        return ["/" + os.fsdecode(entry.name) for entry in snapshot.level.entries]

    def test_several_and_nested_and_repeated_operands(self):
        paths = [os.path.join(self.source, name) for name in ("a/b", "other", "a", "file", "a/b/")]
        self.save("web", *paths)
        self.assertEqual(self.roots("web"), paths[:4])
        self.assert_equal_tree("web", "/", ctime=True)
        self.assert_sound()

    def test_a_link_as_operand_is_followed(self):
        link = self.path("link")
        os.symlink(self.source, link)
        self.save("web", link)
        self.assertEqual(self.roots("web"), [link])
        self.assertEqual(self.root_entry("web").kind, tree.KIND_DIRECTORY)
        self.assert_sound()

    def test_relative_and_untidy_operands(self):
        self.save("web", "./source//a/../a/b", cwd=self.folder)
        self.assertEqual(self.roots("web"), [os.path.join(self.source, "a/b")])
        self.save("slashes", "/" + self.source + "//a///b//", "./source//file", cwd=self.folder)
        self.assertEqual(
            self.roots("slashes"), [os.path.join(self.source, "a/b"), os.path.join(self.source, "file")]
        )
        self.assert_equal_tree("slashes", "/")

    def test_operands_with_odd_bytes(self):
        path = os.fsencode(self.path("odd")) + b"-\xff\n-\xe9"
        os.mkdir(path)
        write(os.path.join(path, b"\xfe"), b"x")
        self.save("web", path)
        self.assertEqual(self.root_entry("web").name, path[1:])
        self.assert_equal_tree("web", "/")

    def test_impossible_operands_leave_no_snapshot(self):
        os.mkfifo(self.path("fifo"))
        for operand in (self.path("missing"), self.path("fifo"), "/dev/null"):
            self.save("web", self.source, operand, status=1)
        self.assertEqual(self.reader().tags()[0], [])

    def test_channels_of_all_sorts(self):
        channels = ["c" * 256, "with:colon/and slash", "line\nbreak", "ünïcode", "-"]
        for channel in channels:
            self.save("--", channel, self.source)
        found = [os.fsdecode(tag.payload.channel) for tag in self.reader().tags()[0]]
        self.assertEqual(sorted(found), sorted(channels))
        self.assert_sound()
        for channel in ("", "c" * 257, "M" + "0" * 64):
            self.save(channel, self.source, status=64)

    def test_every_author_signs(self):
        for name in ("Master", "WriteOnly", "ReadWrite"):
            self.save(name, self.source, key=name)
            tag = self.newest(name)
            self.assertEqual((tag.author, tag.kid), (tags.SIGNED, keys.load_key(self.key(name)).kid))
        self.save("LogOnly", self.source, key="LogOnly", status=12)
        self.assert_sound()
        badges = {os.path.basename(name) for name in self.reader().object_names("keys")}
        self.assertEqual(
            badges, {keys.load_key(self.key(name)).kid_text for name in ("WriteOnly", "ReadWrite")}
        )

    def test_a_save_without_snapshot_stores_one_object(self):
        shown = self.save_raw(os.path.join(self.source, "a"))
        catalog, digest = blobs.parse_object_id(shown)
        names = [entry.name for entry in self.reader().directory(digest).entries]
        self.assertEqual((catalog, names), ("M", [b"b", b"one"]))
        self.assertEqual(self.reader().tags()[0], [])
        self.assert_sound(orphans=True)

    def save_raw(self, path):
        result = self.run_program("save", "--no-snapshot", "-R", self.repo, "-K", self.key("WriteOnly"), path)
        line = next(line for line in result.stdout.decode().splitlines() if line.startswith("Data OID: "))
        return line.removeprefix("Data OID: ")

    def test_followed_links_become_what_they_name(self):
        os.symlink("../other", os.path.join(self.source, "a/inside"))
        os.symlink("gone", os.path.join(self.source, "a/dangling"))
        os.symlink("..", os.path.join(self.source, "a/loop"))
        self.save("web", self.source, options=("--follow",))
        self.assertEqual(self.find("web", "a/inside").kind, tree.KIND_DIRECTORY)
        self.assertEqual(self.find("web", "a/inside/four").kind, tree.KIND_FILE)
        for name in ("dangling", "loop"):
            self.assertEqual(self.find("web", f"a/{name}").kind, tree.KIND_LINK)
        self.assert_sound()

    def test_an_ini_of_saves(self):
        ini = self.path("saves.ini")
        write(ini, b"[one]\nSourcePath = source/a\nSourcePath = source/other\n[two]\nSourcePath = source\n")
        self.run_program("save", "-R", self.repo, "-K", self.key("WriteOnly"), "--from", ini)
        self.assertEqual(self.roots("one"), [os.path.join(self.source, name) for name in ("a", "other")])
        self.assertEqual(self.roots("two"), [self.source])
        self.assert_sound()

    def test_the_repository_itself_is_not_saved(self):
        self.save("web", self.folder)
        reader = self.reader()
        for name in ("repo", "cache/rekkord"):
            self.assertEqual(reader.directory(self.find("web", name).hash).entries, [], name)
        self.assert_sound()


class LevelTests(SaveTests):
    def test_every_level_is_readable_and_changes_no_name(self):
        os.mkdir(self.source)
        write(os.path.join(self.source, "text"), b"".join(b"%d lines of text\n" % n for n in range(40_000)))
        write(os.path.join(self.source, "noise"), random.Random(3).randbytes(300_000))
        names = set()
        for level in (0, 1, 2, 3, 6, 9, 12):
            repo = self.path(f"repo{level}")
            self.repo = repo
            self.run_program("init", "-R", repo, "-K", self.key("Master"))
            ini = self.path("level.ini")
            write(ini, b"[Settings]\nCompressionLevel = %d\nTestWrites = yes\n" % level)
            self.save("web", self.source, options=("-C", ini))
            self.assert_sound()
            self.assert_equal_tree("web", "/")
            names.add(tuple(sorted(name for name in self.reader().object_names("blobs/R"))))
        self.assertEqual(len(names), 1)


class ConcurrencyTests(SaveTests):
    def test_two_savers_do_not_disturb_each_other(self):
        os.mkdir(self.source)
        for number in range(300):
            write(os.path.join(self.source, str(number)), b"%d" % number * 1000)
        savers = []
        for number in range(4):
            environment = {**self.environment, "XDG_CACHE_HOME": self.path(f"cache{number % 3}")}
            command = [
                PROGRAM,
                "save",
                "-R",
                self.repo,
                "-K",
                self.key("WriteOnly"),
                f"c{number}",
                self.source,
            ]
            savers.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        self.assertEqual([saver.wait(60) for saver in savers], [0] * 4)
        self.assert_sound()
        for number in range(4):
            self.assert_equal_tree(f"c{number}", "/")


class InterruptionTests(SaveTests):
    """A save that was killed leaves nothing that is wrong, and what it stored helps the next one."""

    def test_killed_at_random_moments(self):
        os.mkdir(self.source)
        chance = random.Random(11)
        for number in range(500):
            folder = os.path.join(self.source, str(number % 20))
            os.makedirs(folder, exist_ok=True)
            write(os.path.join(folder, str(number)), chance.randbytes(20_000))
        write(os.path.join(self.source, "large"), chance.randbytes(12_000_000))
        command = [PROGRAM, "save", "-R", self.repo, "-K", self.key("WriteOnly"), "web", self.source]
        for _ in range(12):
            process = subprocess.Popen(
                command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            time.sleep(chance.uniform(0.01, 0.8))
            process.send_signal(signal.SIGKILL)
            process.wait()
            verification = Verification(self.reader())
            verification.run()
            serious = [
                problem
                for problem in verification.problems
                if not problem.startswith("tmp/") and "fragment without a tag" not in problem
            ]
            self.assertEqual(serious, [])
        self.save("web", self.source)
        self.assert_equal_tree("web", "/", ctime=True)


class CacheTests(SaveTests):
    """The caches only save work: without them, or with wrong ones, the result is the same."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.source)
        for number in range(40):
            write(os.path.join(self.source, str(number)), b"%d\n" % number * 500)

    def lose_an_object(self):
        name = next(iter(sorted(self.reader().object_names("blobs/R"))))
        os.unlink(os.path.join(self.repo, name))

    def assert_saved_whole(self):
        self.save("web", self.source)
        self.assert_equal_tree("web", "/")
        self.assert_sound()

    def test_deleted_and_damaged(self):
        self.assert_saved_whole()
        shutil.rmtree(self.path("cache"))
        self.assert_saved_whole()
        for folder, _, files in os.walk(self.path("cache")):
            for name in files:
                write(os.path.join(folder, name), b"no database" * 100)
        self.assert_saved_whole()
        shutil.rmtree(self.path("cache"))
        write(self.path("cache"), b"a file where a folder belongs")
        self.assert_saved_whole()

    def test_reset_and_new_cache_id_bring_lost_objects_back(self):
        self.assert_saved_whole()
        for command in ("reset_cache", "change_cid"):
            self.lose_an_object()
            self.run_program(command, "-R", self.repo, "-K", self.key("Master"))
            self.assert_saved_whole()

    def test_another_repository_at_the_same_place_is_another_one(self):
        self.assert_saved_whole()
        shutil.rmtree(self.repo)
        self.run_program("init", "-R", self.repo, "-K", self.key("Master"))
        self.assert_saved_whole()


class MetadataTests(SaveTests):
    def setUp(self):
        super().setUp()
        os.mkdir(self.source)
        self.file = os.path.join(self.source, "file")
        write(self.file, b"content")
        os.utime(self.file, ns=(1_000_000_000_123_456_789, 1_600_000_000_000_000_000))
        os.setxattr(self.file, "user.note", b"yes")

    def test_access_times(self):
        self.save("web", self.source, options=("--noatime", "-m", "atime"))
        self.assertEqual(os.stat(self.file).st_atime_ns, 1_000_000_000_123_456_789)
        entry = self.find("web", "file")
        self.assertEqual((entry.flags, entry.atime), (7, 1_000_000_000_123))
        self.assert_sound()

    def test_only_what_was_asked_for(self):
        self.save("web", self.source)
        entry = self.find("web", "file")
        self.assertEqual((entry.flags, entry.atime, entry.extended), (3, 0, b""))
        self.save("web", self.source, options=("-m", "xattrs"))
        entry = self.find("web", "file")
        self.assertEqual(tree.decode_extended(entry.extended), [(b"user.note", b"yes")])
        self.assert_sound()


class ForeignRepositoryTests(FixtureCase):
    """Saving into a repository by another implementation."""

    def test_a_tree_that_is_there_already_is_recognised(self):
        reader = Repository(self.repo, keys.load_key(self.key("Master")))
        extraction = extract.Extraction(reader, owner=False, attributes=False)
        extraction.run(reader.resolve("alpha"), self.path("out"))
        raw = set(reader.object_names("blobs/R"))
        ini = self.path("rekkord.ini")
        write(ini, b"[Settings]\nChunking = Rekkord\n")
        source = self.path("out/srv/fixture")
        for name in ("WriteOnly", "ReadWrite", "Master"):
            self.save(name, source, key=name, options=("-C", ini))
            self.assert_equal_tree(name, "/")
        self.assertEqual(set(reader.object_names("blobs/R")), raw)
        self.assert_sound()
        self.assertEqual(len(reader.tags()[0]), 6)


class ListTests(SaveTests):
    """A list of saves: all are tried."""

    def test_a_full_disk_costs_what_does_not_fit(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        disk = self.path("disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3M", "small", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        write(self.path("large"), random.Random(1).randbytes(4 << 20))
        write(self.path("small"), b"fits")
        write(self.path("list"), b"[one]\nSourcePath = large\n[two]\nSourcePath = small\n")
        self.run_program("init", "-g", "-R", f"{disk}/repo", "-K", self.path("disk.key"))
        place = ("-R", f"{disk}/repo", "-K", self.path("disk.key"))
        result = self.run_program("save", *place, "-F", self.path("list"), status=1)
        self.assertEqual(result.stderr.count(b"No space left on device"), 1, result.stderr)
        shown = self.run_json("channels", *place, "--format", "JSON")
        self.assertEqual([channel["channel"] for channel in shown], ["two"])
        self.run_program("restore", *place, "two", self.path("restored"))


class HookTests(SaveTests):
    """What runs around a save, and what it sees of it."""

    def setUp(self):
        super().setUp()
        for name in ("post", "source"):
            os.mkdir(self.path(name), 0o755)
        write(self.path("post/hook"), b"#!/bin/sh\ncp summary seen\n")
        os.chmod(self.path("post/hook"), 0o755)
        settings = f"[Repository]\nURL = {self.repo}\nKeyFile = {self.key('WriteOnly')}\n[Hooks]\nPostSaveDirectory = post\n"
        write(self.path("web.ini"), settings.encode())
        write(os.path.join(self.source, "file"), b"text")
        os.mkfifo(os.path.join(self.source, "pipe"))

    def start(self, **options):
        command = [PROGRAM, "save", "-C", self.path("web.ini"), "web", self.source]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, **options)

    def test_the_summary_comes_before(self):
        with open(self.path("summary"), "wb") as summary:
            self.assertEqual(self.start(stdout=summary).wait(60), 0)
        with open(self.path("seen"), "rb") as seen, open(self.path("summary"), "rb") as summary:
            text = seen.read()
            self.assertEqual(text, summary.read())
        self.assertIn(b"Snapshot OID", text)

    def test_they_run_when_nobody_reads_the_messages(self):
        write(self.path("summary"), b"earlier")
        process = self.start(stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process.stderr.close()
        self.assertEqual(process.wait(60), 0)
        self.assertTrue(os.path.exists(self.path("seen")))
        self.assertEqual(len(self.reader().tags()[0]), 1)


if __name__ == "__main__":
    unittest.main()
