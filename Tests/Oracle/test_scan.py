"""What scan finds: the program reads what the oracle writes, damages and forges."""

import hashlib
import json
import os
import time

from foreign import FixtureCase, WrittenCase
from odd_tree import write
from program import SandboxCase
from rekkord_oracle import blobs, keys, tags, tree
from rekkord_oracle.repository import Repository
from rekkord_oracle.verify import Verification
from rekkord_oracle.writer import DEFAULT_TIME, RepositoryWriter

STAMP = "2025-09-10T01:38:31.000Z"  # DEFAULT_TIME


class ScanCase(WrittenCase):
    def scan(self, *options, status=0, key="Master"):
        result = self.run_program("scan", *self.place(key), *options, status=status)
        self.assertEqual(result.stderr, b"")
        return os.fsdecode(result.stdout).splitlines()

    def report(self, *options, status=0, key="Master"):
        result = self.run_program("scan", *self.place(key), "--format", "JSON", *options, status=status)
        report = json.loads(result.stdout)
        self.assertEqual(report["status"], status)
        return report

    def sample(self, channel=b"web", time=DEFAULT_TIME, extra=(), author=None):
        """A tree with a file of three chunks; leaves the names of its objects in `self.ids`."""
        data = bytes(range(256)) * 12
        entries = [
            self.writer.file_entry(b"big", data, ends=[1000, 2000, 3072]),
            self.writer.link_entry(b"link", b"/etc/passwd"),
            self.writer.file_entry(b"small", b"hello\n"),
            *extra,
        ]
        home = self.writer.folder_entry(b"home", entries)
        chunk = blobs.blob_digest(self.writer.master.blob_hash_salt(), blobs.CHUNK, data[1000:2000])
        self.ids = {
            "table": blobs.object_id("R", entries[0].hash),
            "chunk": blobs.object_id("R", chunk),
            "link": blobs.object_id("R", entries[1].hash),
            "small": blobs.object_id("R", entries[2].hash),
            "folder": blobs.object_id("M", home.hash),
        }
        self.ids["snapshot"] = self.writer.save(channel, [home], time=time, author=author)
        return self.ids["snapshot"]


class CleanTests(ScanCase):
    def test_a_clean_repository(self):
        self.sample()
        self.sample(time=DEFAULT_TIME + 1000)
        self.assertEqual(
            self.scan(), ["Checked 2 snapshots, 9 blobs: all clear", "Orphans: 0 blobs (0 B)"]
        )
        report = self.report()
        self.assertEqual(
            {key: value for key, value in report.items() if key != "duration"},
            {
                "command": "scan",
                "snapshots": 2,
                "damaged_snapshots": 0,
                "unusable_tags": 0,
                # Two snapshots, the folder, the list of chunks.
                "blobs": {"verified": 4, "remembered": 5, "damaged": 0, "not_verified": 0},
                "orphans": {"count": 0, "bytes": 0},
                "locks": None,
                "problems": [],
                "unnamed_paths": 0,
                "status": 0,
            },
        )
        self.assertEqual(self.report("--all")["blobs"]["verified"], 9)
        self.assertEqual(self.report("--max-age", "0")["blobs"]["verified"], 9)

    def test_any_key_that_reads(self):
        self.sample()
        self.scan(key="ReadWrite")
        for key in ("WriteOnly", "LogOnly"):
            result = self.run_program("scan", *self.place(key), status=12)
            self.assertIn(f"cannot scan with {key} key".encode(), result.stderr)

    def test_no_snapshot(self):
        result = self.run_program("scan", *self.place("Master"))
        self.assertEqual(result.stderr, b"No snapshots\n")
        self.assertEqual(result.stdout, b"Checked 0 snapshots, 0 blobs: all clear\nOrphans: 0 blobs (0 B)\n")

    def test_usage(self):
        for arguments in (["--max-age", "7"], ["--format", "XML"], ["operand"]):
            self.run_program("scan", *self.place("Master"), *arguments, status=64)

    def test_old_revisions_and_odd_entries(self):
        old = self.writer.folder_entry(b"old", [self.writer.file_entry(b"f", b"1")], blob_type=blobs.DIRECTORY3)
        odd = [
            self.writer.special_entry(b"fifo"),
            self.writer.not_stored_entry(b"closed", tree.KIND_DIRECTORY),
            self.writer.not_stored_entry(b"denied", tree.KIND_FILE),
            self.writer.never_stated_entry(b"never"),
            self.writer.file_entry(b"empty", b""),
        ]
        self.writer.save(b"web", [old, self.writer.folder_entry(b"odd", odd)], blob_type=blobs.SNAPSHOT5)
        self.scan()

    def test_scan_changes_nothing(self):
        self.sample()

        def state():
            return sorted(
                (path, os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns)
                for folder, _, names in os.walk(self.repo)
                for path in (folder, *(os.path.join(folder, name) for name in names))
            )

        before = state()
        self.scan()
        self.scan("--all")
        self.assertEqual(state(), before)

    def test_orphans(self):
        self.sample()
        self.writer.file(b"nobody's")
        size = os.path.getsize(self.writer.path(blobs.object_id("R", self.writer.file(b"nobody's"))))
        self.assertEqual(self.scan()[-1], f"Orphans: 1 blob ({size} B)")
        # A stray file is not a blob.
        write(os.path.join(self.repo, "blobs", "R", "00", "stray"), b"x")
        self.assertEqual(self.scan()[-1], f"Orphans: 1 blob ({size} B)")

    def test_without_a_cache(self):
        self.sample()
        write(self.path("file"), b"")
        result = self.run_program("scan", *self.place("Master"), "--cache-dir", self.path("file"))
        self.assertEqual(result.stderr.count(b"\n"), 1)
        self.assertTrue(result.stderr.startswith(b"rekkord: warning: cannot use cache "), result.stderr)
        self.assertTrue(result.stdout.startswith(b"Checked 1 snapshot, 8 blobs: all clear\n"))


class ForeignTests(FixtureCase):
    def test_the_repository_of_another_writer(self):
        reader = Repository(self.repo, keys.load_key(self.key("Master")))
        verification = Verification(reader)
        verification.run()
        result = self.run_program("scan", *self.place("Master"), "--format", "JSON", status=None)
        report = json.loads(result.stdout)
        self.assertEqual(report["problems"], [], result.stderr)
        self.assertEqual(report["orphans"]["count"], len(verification.orphans))
        self.assertEqual(result.returncode, 0)


class DamageTests(ScanCase):
    PLACES = {
        "table": ("home/big", 0, 3072),
        "chunk": ("home/big", 1000, 1000),
        "link": ("home/link", None, None),
        "small": ("home/small", 0, 6),
        "folder": ("home", None, None),
        "snapshot": (None, None, None),
    }

    def harms(self, name):
        identifier = self.ids[name]
        size = os.path.getsize(self.writer.path(identifier))
        other = self.ids["link" if name in ("small", "chunk") else "small"]
        return {
            "flipped first": ("decrypt", lambda: self.writer.flip(identifier, 5)),
            "flipped last": ("decrypt", lambda: self.writer.flip(identifier, -1)),
            "wrong version": ("structure", lambda: self.writer.flip(identifier, 0)),
            "cut": ("decrypt", lambda: self.writer.truncate(identifier, size - 1)),
            "emptied": ("decrypt", lambda: self.writer.truncate(identifier, 0)),
            "grown": (("decrypt", "structure"), lambda: self.writer.truncate(identifier, size + 40)),
            "swapped": ("hash", lambda: self.writer.replace(identifier, other)),
            "missing": ("missing", lambda: self.writer.remove(identifier)),
        }

    def test_each_harm_to_each_kind_of_blob(self):
        snapshot = self.sample()
        self.scan()
        for name, (path, offset, length) in self.PLACES.items():
            with open(self.writer.path(self.ids[name]), "rb") as file:
                good = file.read()
            for harm, (word, act) in self.harms(name).items():
                with self.subTest(blob=name, harm=harm):
                    act()
                    report = self.report(status=20)
                    (problem,) = report["problems"]
                    self.assertIn(problem.pop("what"), (word,) if isinstance(word, str) else word)
                    self.assertTrue(problem.pop("message"))
                    catalog, digest = blobs.parse_object_id(self.ids[name])
                    self.assertEqual(
                        problem,
                        {
                            "channel": "web",
                            "time": STAMP,
                            "snapshot": snapshot,
                            "path": path,
                            "object": self.ids[name],
                            "key": blobs.object_name(catalog, digest),
                            "offset": offset,
                            "length": length,
                            "snapshots": 1,
                        },
                    )
                    self.assertEqual(report["damaged_snapshots"], 1)
                    self.assertEqual(report["blobs"]["damaged"], 1)
                    write(self.writer.path(self.ids[name]), good)
        self.scan()

    def test_the_lines(self):
        for days in range(37):
            self.sample(time=DEFAULT_TIME + days * 86_400_000)
        identifier = self.ids["chunk"]
        self.writer.flip(identifier, -1)
        self.assertEqual(
            self.scan(status=20),
            [
                f"web@2025-10-16T01:38:31.000Z: home/big: {identifier} it does not decrypt, bytes 1000-1999"
                " (and 36 more snapshots)",
                "Checked 37 snapshots, 44 blobs: 37 damaged snapshots",
                "Orphans: 0 blobs (0 B)",
            ],
        )
        self.writer.remove(self.ids["snapshot"])
        catalog, digest = blobs.parse_object_id(self.ids["snapshot"])
        lines = self.scan(status=20)
        self.assertEqual(
            lines[0],
            f"web@2025-10-16T01:38:31.000Z: {blobs.object_name(catalog, digest)}: object is missing",
        )
        self.assertTrue(lines[1].endswith("(and 35 more snapshots)"), lines)
        self.assertEqual(lines[-1], "Orphans: not counted")

    def test_names_that_are_not_text(self):
        entry = self.writer.file_entry(b"\xff\n", b"data")
        self.writer.save(b"w\xe9b", [entry])
        identifier = blobs.object_id("R", entry.hash)
        self.writer.remove(identifier)
        self.assertEqual(
            self.scan(status=20)[0],
            f"w\\xE9b@{STAMP}: \\xFF\\x0A: {identifier} object is missing, bytes 0-3",
        )
        (problem,) = self.report(status=20)["problems"]
        self.assertEqual(problem["channel_base64"], "d+li")
        self.assertEqual(problem["path_base64"], "/wo=")

    def test_blobs_that_lie_about_their_type(self):
        salt = self.writer.master.blob_hash_salt()
        digest = blobs.blob_digest(salt, blobs.CHUNK, b"hello\n")
        self.writer.blob(blobs.CHUNK, b"hello\n", stored_type=blobs.LINK)
        other = self.writer.blob(blobs.LINK, b"target")
        self.writer.save(
            b"web",
            [
                self.writer.entry(b"a", tree.KIND_FILE, hash=digest, size=6),
                self.writer.entry(b"b", tree.KIND_FILE, hash=other, size=6),
            ],
        )
        report = self.report(status=20)
        self.assertEqual([(p["what"], p["path"]) for p in report["problems"]], [("hash", "a"), ("type", "b")])

    def test_a_hostile_tree_of_many_paths(self):
        entry = self.writer.file_entry(b"a", b"deep")
        identifier = blobs.object_id("R", entry.hash)
        for _ in range(60):
            digest = self.writer.folder(
                [self.writer.entry(name, entry.kind, hash=entry.hash, size=4) for name in (b"a", b"b")]
            )
            entry = self.writer.entry(b"a", tree.KIND_DIRECTORY, hash=digest)
        self.writer.save(b"web", [entry])
        self.scan()
        self.writer.remove(identifier)
        lines = self.scan(status=20)
        self.assertEqual(len(lines), 64 + 3)
        self.assertEqual(lines[64], f"… and {2**60 - 64} more paths to what is named above")

    def test_a_folder_in_place_of_an_object(self):
        self.sample()
        path = self.writer.path(self.ids["small"])
        os.unlink(path)
        os.mkdir(path)
        (problem,) = self.report(status=20)["problems"]
        self.assertEqual((problem["what"], problem["path"]), ("structure", "home/small"))

    def test_replaced_files_are_noticed_at_once(self):
        self.sample()
        self.scan()
        path = self.writer.path(self.ids["small"])
        status = os.stat(path)
        self.writer.flip(self.ids["small"], -1)
        # Size and modification time are the old ones; the change time tells.
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertEqual(self.report(status=20)["problems"][0]["path"], "home/small")

    def test_the_repository_is_gone(self):
        self.run_program("scan", "-R", self.path("nowhere"), "-K", self.key("Master"), status=10)


class TagTests(ScanCase):
    def names(self, folder):
        root = os.path.join(self.repo, "tags")
        return sorted(
            os.path.relpath(os.path.join(base, name), self.repo)
            for base, _, names in os.walk(os.path.join(root, folder))
            for name in names
        )

    def one(self, status=20):
        (problem,) = self.report(status=status)["problems"]
        return problem["what"], problem["key"]

    def test_altered_main_tags(self):
        self.sample()
        (main,) = self.names("M")
        for position, word in ((-5, "signature"), (-200, "signature")):
            changed = list(main)
            changed[position] = "A" if changed[position] != "A" else "B"
            altered = "".join(changed)
            os.rename(os.path.join(self.repo, main), os.path.join(self.repo, altered))
            self.assertEqual(self.one(), (word, altered))
            self.assertIn("1 unusable tag", self.scan(status=20)[-2])
            os.rename(os.path.join(self.repo, altered), os.path.join(self.repo, main))
        self.scan()

    def test_a_forged_tag_of_a_derived_key(self):
        writer = keys.load_key(self.key("WriteOnly"))
        self.sample(author=writer)
        (main,) = self.names("M")
        # Signed by a key that is not the one of the badge.
        forger = RepositoryWriter(self.path("other"), mkey=os.urandom(32)).create()
        stranger = forger.derive(1)
        parsed = blobs.parse_object_id(self.ids["snapshot"])
        payload = tags.Payload(DEFAULT_TIME, 1, 2, 3, b"web")
        stranger.lkey, stranger.tkey = self.writer.master.lkey, self.writer.master.tkey
        name, _ = self.writer.tag(parsed[1], payload.encode(), stranger, badge=False)
        moved = name.replace(stranger.kid_text, writer.kid_text)
        os.makedirs(os.path.dirname(os.path.join(self.repo, moved)), exist_ok=True)
        os.rename(os.path.join(self.repo, name), os.path.join(self.repo, moved))
        self.assertEqual(self.one(), ("signature", moved))
        # And under its own ID, with a badge that the master never signed.
        os.rename(os.path.join(self.repo, moved), os.path.join(self.repo, name))
        self.writer.put(f"keys/{stranger.kid_text}", stranger.badge)
        what = {problem["what"]: problem["key"] for problem in self.report(status=20)["problems"]}
        self.assertEqual(what["badge"], f"keys/{stranger.kid_text}")
        self.assertTrue(main)

    def test_missing_fragments(self):
        self.sample(channel=b"c" * 200)
        (main,) = self.names("M")
        for fragment in self.names("P"):
            path = os.path.join(self.repo, fragment)
            os.rename(path, self.path("away"))
            self.assertEqual(self.one(), ("fragment", main))
            os.rename(self.path("away"), path)
        self.scan()

    def test_a_missing_badge_old_and_young(self):
        writer = keys.load_key(self.key("WriteOnly"))
        badge = os.path.join(self.repo, f"keys/{writer.kid_text}")
        self.sample(time=int(time.time() * 1000), author=writer)
        os.rename(badge, self.path("badge"))
        result = self.run_program("scan", *self.place("Master"))
        self.assertEqual(
            result.stderr.decode(),
            f"rekkord: warning: 'keys/{writer.kid_text}' is missing: who made 1 snapshot cannot be proven yet\n",
        )
        self.sample(author=writer)
        os.unlink(badge)
        self.assertEqual(
            self.scan(status=20)[0],
            f"keys/{writer.kid_text}: badge is missing: who made 1 snapshot cannot be proven",
        )
        os.rename(self.path("badge"), badge)
        self.scan()

    def test_a_tag_that_disagrees_with_its_snapshot(self):
        self.sample()
        (main,) = self.names("M")
        os.unlink(os.path.join(self.repo, main))
        digest = blobs.parse_object_id(self.ids["snapshot"])[1]
        self.writer.tag(digest, tags.Payload(DEFAULT_TIME, 1, 2, 3, b"other").encode())
        (problem,) = self.report(status=20)["problems"]
        self.assertEqual(
            problem["message"], "channel, size, stored size, added size of the tag and of the snapshot differ"
        )


class RepairTests(SandboxCase):
    """Walks docs/repair.md."""

    def test_the_way_back_from_status_20(self):
        self.make_repository()
        source = self.path("source")
        os.makedirs(os.path.join(source, "docs"))
        write(os.path.join(source, "docs", "report"), b"important\n" * 100)
        write(os.path.join(source, "other"), b"other")
        self.save("web", source)
        # Somebody destroys an object, or planted garbage under its name before it was saved.
        report = self.run_json("scan", *self.place("Master"), "--format", "JSON")
        self.assertEqual(report["status"], 0)
        victim = self.object_of(b"important\n" * 100)
        with open(os.path.join(self.repo, victim), "r+b") as file:
            file.write(b"\x00" * 50)

        # Step 1: scan names it.
        report = self.run_json("scan", *self.place("Master"), "--format", "JSON", status=20)
        (problem,) = report["problems"]
        self.assertEqual(problem["key"], victim)
        self.assertTrue(problem["path"].endswith("docs/report"))
        # Saving again does not help while it is there, and while caches know it.
        self.save("web", source)
        self.run_program("scan", *self.place("Master"), status=20)

        # Step 2: hide it.
        os.makedirs(self.path("bad"))
        os.rename(os.path.join(self.repo, problem["key"]), self.path("bad", os.path.basename(problem["key"])))
        self.save("web", source)
        report = self.run_json("scan", *self.place("Master"), "--format", "JSON", status=20)
        self.assertEqual([each["what"] for each in report["problems"]], ["missing"])

        # Step 3: let every machine forget what it believes to be stored. Step 4: save again. Step 5: scan.
        self.run_program("change_cid", *self.place("Master"))
        self.save("web", source)
        report = self.run_json("scan", *self.place("Master"), "--format", "JSON")
        self.assertEqual((report["problems"], report["snapshots"]), ([], 4))
        # All snapshots are whole again, the first one too.
        self.assert_sound()

    def test_a_badge_comes_back_with_the_next_save(self):
        self.make_repository()
        write(self.path("source"), b"content")
        self.save("web", self.path("source"))
        folder = os.path.join(self.repo, "keys")
        (badge,) = os.listdir(folder)
        with open(os.path.join(folder, badge), "r+b") as file:
            file.write(b"\x00")
        self.run_program("scan", *self.place("Master"), status=20)
        os.unlink(os.path.join(folder, badge))
        self.save("web", self.path("source"))
        self.run_program("scan", *self.place("Master"))

    def object_of(self, content):
        """The name of the object that holds a small file."""
        master = self.reader().keys
        digest = blobs.blob_digest(master.blob_hash_salt(), blobs.CHUNK, content)
        return blobs.object_name("R", digest)


class MemoryTests(ScanCase):
    def test_reset_cache_all_makes_scan_read_everything(self):
        self.sample()
        self.scan()
        for options, remembered in (([], 5), (["--all"], 0)):
            self.run_program("reset_cache", *self.place("Master"), *options)
            self.assertEqual(self.report()["blobs"]["remembered"], remembered)

    def test_change_cid_keeps_what_was_verified(self):
        self.sample()
        self.scan()
        self.run_program("change_cid", *self.place("Master"))
        self.assertEqual(self.report()["blobs"]["remembered"], 5)

    def test_a_damaged_memory(self):
        self.sample()
        self.scan()
        paths = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(self.path("cache"))
            for name in names
            if name.startswith("scan.sqlite")
        ]
        self.assertTrue(paths)
        for path in paths:
            write(path, hashlib.sha256(b"").digest() * 500)
        result = self.run_program("scan", *self.place("Master"))
        self.assertEqual(result.stderr.count(b"warning"), 1, result.stderr)
        self.scan()


class HookTests(ScanCase):
    def test_programs_around_a_scan(self):
        self.sample()
        for moment, line in (
            ("pre", 'echo pre >> "$HOME/log"'),
            ("post", 'echo "$SUCCESS $REKKORD_STATUS" >> "$HOME/log"'),
        ):
            os.mkdir(self.path(moment))
            write(self.path(moment, "hook"), f"#!/bin/sh\n{line}\n".encode())
            os.chmod(self.path(moment, "hook"), 0o755)
        write(
            self.path("rekkord.ini"),
            f"[Hooks]\nPreScanDirectory = {self.path('pre')}\nPostScanDirectory = {self.path('post')}\n".encode(),
        )
        options = ["-C", self.path("rekkord.ini")]
        self.scan(*options)
        self.writer.remove(self.ids["small"])
        self.scan(*options, status=20)
        self.scan(*options, "--no-hooks", status=20)
        with open(self.path("log"), encoding="ascii") as file:
            self.assertEqual(file.read().splitlines(), ["pre", "1 0", "pre", "0 20"])
