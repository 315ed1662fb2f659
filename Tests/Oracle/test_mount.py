"""What the oracle writes, shown by `rekkord mount`."""

import base64
import errno
import hashlib
import os
import random
import stat
import subprocess
import time
import unittest

from foreign import IMPLIED, FixtureCase, WrittenCase
from program import eventually
from rekkord_oracle import blobs, live, tree
from rekkord_oracle.compare import Comparison, Options
from rekkord_oracle.writer import DEFAULT_TIME

PAGE = 4096
# A failed load is remembered for at most this many seconds.
MEMORY_OF_FAILURES = 5


class MountChecks:
    """Checks for test cases that can mount."""

    def assert_mount_equal(self, identifier, **options):
        """A mount shows exactly what the oracle reads; returns (counts, log)."""
        reader = self.reader()
        comparison = Comparison(reader, Options(**{"mount": True, "attributes": True, **options}))
        with self.mounted(identifier) as mount:
            comparison.run(reader.resolve(identifier), mount.point)
        self.assertEqual(comparison.differences[:30], [], mount.log())
        return comparison.counts, mount.log()

    def assert_fails(self, number, action):
        with self.assertRaises(OSError) as caught:
            action()
        self.assertEqual(errno.errorcode[caught.exception.errno], errno.errorcode[number])


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


class FixtureTests(FixtureCase, MountChecks):
    def test_every_snapshot_is_shown(self):
        for key in ("Master", "ReadWrite"):
            for index, snapshot in enumerate(self.expected):
                with self.subTest(key=key, snapshot=index), self.mounted(snapshot["oid"], key=key) as mount:
                    self.assertEqual(self.shown(mount.point, index), self.wanted(index))

    def test_it_equals_what_the_oracle_reads(self):
        for snapshot in self.expected:
            self.assert_mount_equal(snapshot["oid"])
        counts, _ = self.assert_mount_equal("beta:with/odd name")
        self.assertEqual(counts["file"], 4)

    def test_a_folder_of_a_snapshot_is_shown_alone(self):
        newest = {entry["path"]: entry for entry in self.expected[1]["entries"]}
        with self.mounted("alpha://srv/fixture//docs/") as mount:
            self.assertIn("readme.txt", os.listdir(mount.point))
        with self.mounted("alpha:srv/fixture/docs") as mount:
            digest = hashlib.sha256(read_file(mount.path("readme.txt"))).hexdigest()
            self.assertEqual(digest, newest["srv/fixture/docs/readme.txt"]["sha256"])
            status = os.stat(mount.point)
            self.assertEqual(status.st_mtime_ns, newest["srv/fixture/docs"]["mtime_ms"] * 1_000_000)
            self.assertEqual(f"0o{stat.S_IMODE(status.st_mode):o}", newest["srv/fixture/docs"]["mode"])

    def wanted(self, index):
        entries = {}
        for entry in self.expected[index]["entries"]:
            fields = {key: value for key, value in entry.items() if key not in ("path", "path_base64")}
            if entry["path"] in IMPLIED[index]:
                fields = {"type": "directory"}
            entries[entry["path_base64"]] = fields
        return entries

    def shown(self, point, index):
        """A live tree in the shape of the expected one."""
        entries = {}
        top = os.fsencode(point)
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                inner = os.path.relpath(path, top)
                key = base64.b64encode(inner).decode()
                status = os.lstat(path)
                kind = live.kind_letter(status.st_mode)
                if inner.decode("utf-8", "replace") in IMPLIED[index]:
                    entries[key] = {"type": kind}
                    continue
                fields = {"type": kind}
                if kind != "link":
                    fields["mode"] = f"0o{stat.S_IMODE(self.saved_mode(path, status)):o}"
                fields |= {
                    "mtime_ms": status.st_mtime_ns // 1_000_000,
                    "uid": status.st_uid,
                    "gid": status.st_gid,
                }
                if kind == "file":
                    data = read_file(path)
                    fields |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                if kind == "link":
                    fields["target"] = os.readlink(path).decode()
                names = os.listxattr(path, follow_symlinks=False)
                if names:
                    values = ((n, os.getxattr(path, n, follow_symlinks=False)) for n in names)
                    fields["xattrs_base64"] = {n: base64.b64encode(value).decode() for n, value in values}
                entries[key] = fields
        return entries

    def saved_mode(self, path, status):
        """With an access control list the group bits shown are group AND mask; saved was the mask."""
        try:
            binary = os.getxattr(path, "system.posix_acl_access", follow_symlinks=False)
        except OSError:
            return status.st_mode
        masks = [line for line in tree.acl_text(binary).split(b"\n") if line.startswith(b"mask::")]
        bits = sum(bit for letter, bit in zip(b"rwx", (4, 2, 1)) if letter in masks[0][6:])
        return status.st_mode & ~0o070 | bits << 3


class WrittenTests(WrittenCase, MountChecks):
    """Honest repositories with everything the format allows."""

    def save(self, entries, channel=b"web", **options):
        return self.writer.save(channel, entries, **options)

    def tree(self, folder_type=blobs.DIRECTORY):
        w = self.writer
        noise = random.Random(5).randbytes(5_000_000)
        acl = tree.encode_extended(
            [
                (b"user.note", b"a\0b"),
                (b"rk.acl1", b"user::rw-\nuser:1234:rwx\ngroup::r-x\nmask::rw-\nother::---"),
            ]
        )
        inner = [
            w.file_entry(b"zz", b"last first", mtime=-1, ctime=-1_000_500, btime=-5),
            w.file_entry(b"\xff\xfe", b"not UTF-8", mode=0o4755),
            w.file_entry("ünï".encode(), b"", mode=0),
            w.file_entry(b"x" * 255, b"1", mtime=7_258_118_400_001),
            w.file_entry(b"new\nline", b"2", uid=4_000_000_000, gid=12345),
            w.file_entry(b"accessed", b"3", flags=7, atime=1_600_000_000_999),
            w.file_entry(b"attributes", b"4", extended=acl, mode=0o660),
        ]
        return [
            w.folder_entry(b"unsorted", inner, folder_type, mode=0o1777),
            w.file_entry(b"chunks", noise, ends=[1, 1_000_000, 4_999_999, 5_000_000]),
            w.file_entry(b"one chunk", noise[:777]),
            w.link_entry(b"dangling", b"/no\xffwhere\n"),
            w.link_entry(b"long", b"y" * 4095),
            w.special_entry(b"fifo"),
            w.folder_entry(b"empty", [], folder_type, mode=0o700),
        ]

    def test_current_layout(self):
        oid = self.save([self.writer.folder_entry(b"srv/data", self.tree())])
        counts, log = self.assert_mount_equal(oid)
        self.assertEqual((counts["file"], counts["link"], counts["special"]), (9, 2, 1))
        self.assertRegex(log, "warning: .*special")

    def test_older_layouts(self):
        w = self.writer
        for snapshot_type, folder_type in (
            (blobs.SNAPSHOT4, blobs.DIRECTORY3),
            (blobs.SNAPSHOT5, blobs.DIRECTORY),
            (blobs.SNAPSHOT, blobs.DIRECTORY3),
        ):
            with self.subTest(type=blobs.type_name(snapshot_type)):
                roots = [w.folder_entry(b"srv", self.tree(folder_type), folder_type)]
                self.assert_mount_equal(self.save(roots, blob_type=snapshot_type))

    def test_layouts_that_are_too_old_are_refused(self):
        w = self.writer
        for blob_type in (blobs.SNAPSHOT1, blobs.SNAPSHOT2, blobs.SNAPSHOT3):
            oid = blobs.object_id("M", w.blob(blob_type, bytes(700)))
            result = self.run_program("mount", "-f", *self.access(), oid, self.new_folder(), status=1)
            self.assertIn(b"rekkord: error: ", result.stderr)
        for blob_type in (blobs.DIRECTORY1, blobs.DIRECTORY2):
            entry = w.entry(b"old", tree.KIND_DIRECTORY, hash=w.blob(blob_type, bytes(30)), mode=0o755)
            oid = self.save([w.folder_entry(b"srv", [entry, w.file_entry(b"fine", b"1")])])
            self.assert_mount_equal(oid)

    def access(self, key="Master"):
        return ["-R", self.repo, "-K", self.key(key)]

    def new_folder(self):
        path = self.path(f"folder{len(os.listdir(self.folder))}")
        os.mkdir(path)
        return path

    def test_several_nested_and_file_roots(self):
        w = self.writer
        old = w.folder_entry(b"b", [w.file_entry(b"old", b"1")])
        roots = [
            w.folder_entry(b"a/b/c", [w.file_entry(b"deep", b"3")]),
            w.folder_entry(b"a", [old, w.file_entry(b"kept", b"2")]),
            w.folder_entry(b"a/b", [w.file_entry(b"new", b"4"), w.folder_entry(b"c", [])]),
            w.file_entry(b"etc/passwd", b"root"),
            w.file_entry(b"top", b"file at the top"),
        ]
        counts, _ = self.assert_mount_equal(self.save(roots))
        self.assertEqual(counts["file"], 5)

    def test_places_that_lead_to_a_saved_path(self):
        oid = self.save([self.writer.folder_entry(b"home/user/data", [])])
        with self.mounted(oid) as mount:
            for path in (mount.point, mount.path("home"), mount.path("home/user")):
                status = os.stat(path)
                self.assertEqual(stat.S_IMODE(status.st_mode), 0o755)
                self.assertEqual((status.st_uid, status.st_gid), (os.getuid(), os.getgid()))
                self.assertEqual(status.st_mtime_ns, DEFAULT_TIME * 1_000_000)
            self.assertEqual(os.getxattr(mount.point, "user.rekkord.channel"), b"web")
            self.assertEqual(os.getxattr(mount.point, "user.rekkord.oid").decode(), oid)
            self.assertEqual(os.listxattr(mount.point), [])

    def test_entry_sizes_that_are_wrong(self):
        w = self.writer
        data = random.Random(6).randbytes(300_000)
        entries = []
        for size in (0, 1, 299_999, 300_001, 10_000_000, 1 << 40):
            entries.append(w.file_entry(b"chunk-%d" % size, data, size=size))
            entries.append(w.file_entry(b"table-%d" % size, data, ends=[100_000, 300_000], size=size))
        for size in (1, 5_000_000):
            entries.append(w.file_entry(b"empty-%d" % size, b"", size=size))
        oid = self.save([w.folder_entry(b"srv", entries)])
        self.assert_mount_equal(oid)
        # The same with a reader that only asks for the end, and with a fresh mount for each tool.
        for command in (["tail", "-c", "1000"], ["cat"]):
            with self.mounted(oid) as mount:
                for entry in entries:
                    path = os.fsencode(mount.path("srv")) + b"/" + entry.name
                    expected = data if not entry.name.startswith(b"empty") else b""
                    shown = subprocess.run([*command, path], capture_output=True)
                    self.assertEqual(shown.returncode, 0, shown.stderr)
                    self.assertEqual(
                        shown.stdout, expected[-1000:] if command[0] == "tail" else expected, path
                    )
                    # That there is less than the entry says the kernel is told after the answer.
                    eventually(lambda: os.stat(path).st_size == len(expected))

    def test_file_tables_of_all_sorts(self):
        w = self.writer
        one = w.blob(blobs.CHUNK, b"1" * 5000)
        two = w.blob(blobs.CHUNK, b"2" * 5000)
        row = tree.ChunkReference
        cases = {
            b"single": ([row(0, 5000, one)], 5000),
            b"repeated": ([row(0, 5000, one), row(5000, 5000, one), row(10000, 5000, two)], 15000),
            b"overlap": ([row(0, 5000, one), row(4999, 5000, two)], 9999),
            b"backwards": ([row(5000, 5000, one), row(0, 5000, two)], 5000),
            b"wrong end": ([row(0, 5000, one), row(5000, 5000, two)], 10001),
            b"negative length": ([row(0, -1, one), row(5000, 5000, two)], 10000),
            b"negative size": ([row(0, 5000, one)], -5000),
            b"lying length": ([row(0, 4999, one), row(4999, 5000, two)], 9999),
            b"endless": ([row(0, 5000, one), row((1 << 63) - 5001, 5000, two)], (1 << 63) - 1),
        }
        entries = []
        for name, (chunks, size) in cases.items():
            digest = w.blob(blobs.FILE, tree.encode_file_table(chunks, size))
            if name != b"endless":
                entries.append(w.entry(name, tree.KIND_FILE, hash=digest, size=max(size, 1)))
        for name, data in ((b"short", b"123"), (b"no trailer", bytes(44))):
            entries.append(w.entry(name, tree.KIND_FILE, hash=w.blob(blobs.FILE, data), size=5000))
        oid = self.save([w.folder_entry(b"srv", entries)])
        reader = self.reader()
        with self.mounted(oid) as mount:
            for name in (b"single", b"repeated"):
                digest = next(entry.hash for entry in entries if entry.name == name)
                path = os.fsencode(mount.path("srv")) + b"/" + name
                self.assertEqual(read_file(path), b"".join(reader.file_pieces(digest)))
            for entry in entries[2:]:
                path = os.fsencode(mount.path("srv")) + b"/" + entry.name
                with self.subTest(entry.name):
                    self.assert_fails(errno.EIO, lambda: read_file(path))

    def test_zero_filled_gaps(self):
        w = self.writer
        chunk = w.blob(blobs.CHUNK, b"1" * 5000)
        chunks = [tree.ChunkReference(10_000, 5000, chunk), tree.ChunkReference(20_000, 5000, chunk)]
        digest = w.blob(blobs.FILE, tree.encode_file_table(chunks, 25_000))
        oid = self.save(
            [w.folder_entry(b"srv", [w.entry(b"gaps", tree.KIND_FILE, hash=digest, size=25_000)])]
        )
        expected = bytes(10_000) + b"1" * 5000 + bytes(5000) + b"1" * 5000
        with self.mounted(oid) as mount:
            self.assertEqual(read_file(mount.path("srv/gaps")), expected)

    def test_a_file_of_tiny_chunks(self):
        w = self.writer
        digests = [w.blob(blobs.CHUNK, b"%07d" % number) for number in range(10)]
        chunks = [tree.ChunkReference(7 * number, 7, digests[number % 10]) for number in range(20_000)]
        digest = w.blob(blobs.FILE, tree.encode_file_table(chunks, 140_000))
        oid = self.save(
            [w.folder_entry(b"srv", [w.entry(b"tiny", tree.KIND_FILE, hash=digest, size=140_000)])]
        )
        with self.mounted(oid) as mount:
            self.assertEqual(read_file(mount.path("srv/tiny")), b"".join(b"%07d" % (n % 10) for n in range(20_000)))

    def test_a_wide_folder(self):
        w = self.writer
        chunk = w.file(b"same")
        entries = [w.entry(b"%06d" % number, tree.KIND_FILE, hash=chunk, size=4) for number in range(20_000)]
        random.Random(1).shuffle(entries)
        counts, _ = self.assert_mount_equal(self.save([w.folder_entry(b"srv", entries)]), content=False)
        self.assertEqual(counts["file"], 20_000)

    def test_a_deep_tree(self):
        w = self.writer
        entry = w.file_entry(b"bottom", b"far down")
        for _ in range(200):
            entry = w.folder_entry(b"d" * 100, [entry])
        counts, _ = self.assert_mount_equal(self.save([entry]))
        self.assertEqual(counts["directory"], 200)

    def test_equal_folders_show_the_same_files(self):
        w = self.writer
        inner = [w.file_entry(b"one", b"1"), w.file_entry(b"two", b"2")]
        roots = [w.folder_entry(b"a", [w.folder_entry(b"x", inner), w.folder_entry(b"y", inner, mode=0o700)])]
        self.assert_mount_equal(self.save(roots))
        first = [w.folder_entry(b"a", [*inner, w.file_entry(b"three", b"3")])]
        self.save(first, b"one", time=1)
        self.save([*first, w.folder_entry(b"a/sub", [])], b"one", time=2)
        self.assert_mount_equal("one")


class HostileTests(WrittenCase, MountChecks):
    """What no honest writer makes: what is wrong is hidden or EIO, and nothing else suffers."""

    def save(self, entries, channel=b"web", **options):
        return self.writer.save(channel, entries, **options)

    def test_bad_names_are_hidden(self):
        w = self.writer
        names = [
            b"",
            b".",
            b"..",
            b"a/b",
            b"/abs",
            b"nul\0",
            b"y" * 256,
            b"z" * 60_000,
            b"good",
            b"good",
            b"also good",
        ]
        entries = [w.file_entry(name, b"%d" % index) for index, name in enumerate(names)]
        counts, log = self.assert_mount_equal(self.save([w.folder_entry(b"srv", entries)]))
        self.assertEqual((counts["file"], counts["hidden"]), (2, 9))
        self.assertIn("warning", log)

    def test_bad_root_names_are_hidden(self):
        w = self.writer
        names = [
            b"/srv",
            b"srv//x",
            b"a/../b",
            b"./a",
            b"a/",
            b"",
            b"n\0",
            b"l" * 300,
            b"fine",
            b"fine",
            b"p/" + b"q" * 256,
        ]
        roots = [w.folder_entry(name, [w.file_entry(b"%d" % i, b"")]) for i, name in enumerate(names)]
        counts, _ = self.assert_mount_equal(self.save(roots))
        self.assertEqual((counts["directory"], counts["hidden"]), (1, 10))

    def test_entries_without_content(self):
        w = self.writer
        entries = [
            w.not_stored_entry(b"file", tree.KIND_FILE, size=5000),
            w.not_stored_entry(b"empty file", tree.KIND_FILE, size=0),
            w.not_stored_entry(b"folder", tree.KIND_DIRECTORY),
            w.not_stored_entry(b"link", tree.KIND_LINK),
            w.never_stated_entry(b"unknown"),
            w.file_entry(b"fine", b"1"),
        ]
        counts, log = self.assert_mount_equal(self.save([w.folder_entry(b"srv", entries)]))
        self.assertEqual(counts["not stored"], 5)
        self.assertIn("it could not be read when it was saved", log)

    def test_kinds_and_flags_that_contradict(self):
        w = self.writer
        file = w.file_entry(b"f", b"content").hash
        folder = w.folder_entry(b"d", [w.file_entry(b"f", b"1")]).hash
        link = w.link_entry(b"l", b"target").hash
        snapshot = blobs.parse_object_id(self.save([w.file_entry(b"x", b"")], b"other"))[1]
        entries = [
            w.entry(b"folder without content", tree.KIND_DIRECTORY, hash=file, mode=0o755),
            w.entry(b"file is a folder", tree.KIND_FILE, hash=folder, size=7),
            w.entry(b"file is a link", tree.KIND_FILE, hash=link, size=6),
            w.entry(b"link is a file", tree.KIND_LINK, hash=file, mode=0o777),
            w.entry(b"folder is a snapshot", tree.KIND_DIRECTORY, hash=snapshot, mode=0o755),
            w.entry(b"missing file", tree.KIND_FILE, hash=b"\x01" * 32, size=100_000),
            w.entry(b"missing folder", tree.KIND_DIRECTORY, hash=b"\x02" * 32, mode=0o755),
            w.entry(b"type bits", tree.KIND_FILE, hash=file, size=7, mode=0o100640),
            w.entry(b"many type bits", tree.KIND_FILE, hash=file, size=7, mode=0xFFFFF1A4),
            w.entry(b"high flags", tree.KIND_FILE, hash=file, size=7, flags=0xFB),
            w.entry(b"negative size", tree.KIND_FILE, hash=file, size=-1),
            w.entry(b"special with content", tree.KIND_UNKNOWN, hash=file),
            w.file_entry(b"fine", b"1"),
        ]
        self.assert_mount_equal(self.save([w.folder_entry(b"srv", entries)]))

    def test_damaged_structure_is_an_error_of_that_folder(self):
        w = self.writer
        good = tree.encode_directory(tree.Level([w.file_entry(b"a", b"1"), w.file_entry(b"b", b"2")], 2, 2))
        odd_kind = bytearray(good)
        odd_kind[16 + 33] = 5
        bodies = {
            b"cut name": good[:-1],
            b"cut entry": good[:-50],
            b"cut header": good[:10],
            b"empty": b"",
            b"surplus": good + b"\0",
            b"odd kind": bytes(odd_kind),
            b"long name": good[: 16 + 34] + b"\xff\xff" + good[16 + 36 :],
        }
        entries = [
            w.entry(name, tree.KIND_DIRECTORY, hash=w.blob(blobs.DIRECTORY, body), mode=0o755)
            for name, body in bodies.items()
        ]
        entries.append(w.folder_entry(b"fine", [w.file_entry(b"f", b"1")]))
        self.assert_mount_equal(self.save([w.folder_entry(b"srv", entries)]))

    def test_containers_that_are_not_what_they_should_be(self):
        w = self.writer
        salt = w.master.blob_hash_salt()
        text = b"text" * 100
        frame = blobs.compress(text, 1)
        hostile = {
            b"no end mark": frame[:-4],
            b"padding not zero": frame + b"\x01",
            b"two frames": frame + frame,
            b"garbage": b"not LZ4 at all",
            b"nothing": b"",
        }
        entries = []
        # Lies under the right name, then honest frames of another shape.
        for name, body in hostile.items():
            digest = blobs.blob_digest(salt, blobs.CHUNK, text + name)
            w.blob(blobs.CHUNK, b"", digest=digest, frame=body)
            entries.append(w.entry(name, tree.KIND_FILE, hash=digest, size=400))
        for index, body in enumerate((_other_frame(text + b"1"), blobs.compress(text + b"2", 0))):
            digest = blobs.blob_digest(salt, blobs.CHUNK, text + b"%d" % (index + 1))
            w.blob(blobs.CHUNK, b"", digest=digest, frame=body)
            entries.append(w.entry(b"honest%d" % index, tree.KIND_FILE, hash=digest, size=401))
        for name, fixed in (("old version", {"version": 6}), ("lying type", {"stored_type": blobs.LINK})):
            digest = w.blob(blobs.CHUNK, name.encode(), **fixed)
            entries.append(w.entry(name.encode(), tree.KIND_FILE, hash=digest, size=11))
        self.assert_mount_equal(self.save([w.folder_entry(b"srv", entries)]))

    def test_attributes_that_are_malformed(self):
        w = self.writer
        good = tree.encode_extended([(b"user.a", b"1")])
        extended = {
            b"cut": good[:-1],
            b"no key end": b"\x03\x00abc",
            b"length beyond": b"\xff\xff" + good,
            b"bad list": tree.encode_extended([(b"rk.acl1", b"user:x:y\nnonsense")]),
        }
        entries = [w.file_entry(name, b"content", extended=value) for name, value in extended.items()]
        entries.append(w.file_entry(b"fine", b"1", extended=good))
        oid = self.save([w.folder_entry(b"srv", entries)])
        with self.mounted(oid) as mount:
            for entry in entries:
                path = os.fsencode(mount.path("srv")) + b"/" + entry.name
                self.assertIn(read_file(path), (b"content", b"1"))
                try:
                    names = os.listxattr(path)
                except OSError as error:
                    self.assertEqual(error.errno, errno.EIO)
                    continue
                if entry.name == b"fine":
                    self.assertEqual((names, os.getxattr(path, "user.a")), (["user.a"], b"1"))

    def test_a_damaged_start_is_refused(self):
        w = self.writer
        oid = self.save([w.folder_entry(b"srv", [])])
        w.flip(oid, -1)
        point = self.path("point")
        os.mkdir(point)
        access = ["-R", self.repo, "-K", self.key("Master")]
        result = self.run_program("mount", *access, oid, point, status=1)
        self.assertIn(oid.encode(), result.stderr)
        for raw in (w.file(b"file"), w.blob(blobs.LINK, b"x")):
            self.run_program("mount", *access, "R" + raw.hex(), point, status=1)
        for name in ("WriteOnly", "LogOnly"):
            result = self.run_program("mount", "-R", self.repo, "-K", self.key(name), oid, point, status=12)
            self.assertIn(f"rekkord: error: cannot mount with {name} key\n".encode(), result.stderr)
        self.assertFalse(os.path.ismount(point))


def _other_frame(data):
    import lz4.frame

    return lz4.frame.compress(
        data,
        block_size=lz4.frame.BLOCKSIZE_MAX4MB,
        block_linked=False,
        content_checksum=True,
        store_size=True,
    )


class DamageTests(WrittenCase, MountChecks):
    """Damage is EIO exactly on the pages of its chunk, until the object is put back."""

    CUTS = [1_050_001, 2_222_222, 3_500_000, 4_000_000]

    def setUp(self):
        super().setUp()
        w = self.writer
        self.data = random.Random(9).randbytes(self.CUTS[-1])
        entry = w.file_entry(b"file", self.data, ends=self.CUTS)
        small = w.file_entry(b"small", b"small")
        folder = w.folder_entry(b"folder", [w.file_entry(b"inside", b"inside")])
        link = w.link_entry(b"link", b"target")
        self.oid = w.save(b"web", [w.folder_entry(b"srv", [entry, small, folder, link])])
        self.table, self.folder_oid = "R" + entry.hash.hex().upper(), "M" + folder.hash.hex().upper()
        self.small, self.link = "R" + small.hash.hex().upper(), "R" + link.hash.hex().upper()
        chunks, _ = self.reader().file_chunks(entry.hash)
        self.chunks = ["R" + chunk.digest.hex().upper() for chunk in chunks]

    def harms(self, oid, other):
        w = self.writer
        size = os.path.getsize(w.path(oid))
        return {
            "first byte": lambda: w.flip(oid, 0),
            "type": lambda: w.flip(oid, 1, 4),
            "sealed key": lambda: w.flip(oid, 50),
            "stream header": lambda: w.flip(oid, 90),
            "middle": lambda: w.flip(oid, size // 2, 0x80),
            "last byte": lambda: w.flip(oid, -1),
            "cut by one": lambda: w.truncate(oid, size - 1),
            "cut at a message": lambda: w.truncate(oid, min(106 + 32785, size - 20)),
            "cut to the intro": lambda: w.truncate(oid, 106),
            "emptied": lambda: w.truncate(oid, 0),
            "grown": lambda: w.truncate(oid, size + 1),
            "missing": lambda: w.remove(oid),
            "swapped": lambda: w.replace(oid, other),
        }

    def test_a_damaged_chunk(self):
        chunk = self.chunks[1]
        with open(self.writer.path(chunk), "rb") as file:
            good = file.read()
        for name, harm in self.harms(chunk, self.chunks[2]).items():
            with self.subTest(name):
                harm()
                with self.mounted(self.oid) as mount:
                    self.assert_pages(mount.path("srv/file"), self.CUTS[0], self.CUTS[1])
                    self.assertEqual(read_file(mount.path("srv/small")), b"small")
                    self.assertIn(f"cannot read 'srv/file': {chunk}:", mount.log())
                    with open(self.writer.path(chunk), "wb") as file:
                        file.write(good)
                    # Each wait lasts as long as a failure is remembered, so not all are waited for.
                    if name in ("middle", "missing", "swapped"):
                        self.assert_heals(
                            lambda: self.assertEqual(read_file(mount.path("srv/file")), self.data)
                        )

    def assert_pages(self, path, start, end):
        """Every page that holds a byte of start ..< end is EIO, every other one is right."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            offsets = list(range(0, len(self.data), PAGE))
            random.Random(3).shuffle(offsets)
            for offset in offsets:
                affected = offset < end and offset + PAGE > start
                try:
                    page = os.pread(descriptor, PAGE, offset)
                except OSError as error:
                    self.assertEqual(error.errno, errno.EIO)
                    self.assertTrue(affected, f"EIO at {offset}")
                else:
                    self.assertFalse(affected, f"no EIO at {offset}")
                    self.assertEqual(page, self.data[offset : offset + PAGE])
        finally:
            os.close(descriptor)

    def assert_heals(self, action):
        """Reading works again, after the time for which a failure is remembered."""
        deadline = time.monotonic() + MEMORY_OF_FAILURES + 30
        while True:
            try:
                return action()
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)
                self.assertLess(time.monotonic(), deadline, "still failing after the repair")
                time.sleep(0.2)

    def test_other_damaged_objects(self):
        cases = {
            "file table": (self.table, self.chunks[0], "file", lambda path: read_file(path)),
            "small file": (self.small, self.chunks[0], "small", lambda path: read_file(path)),
            "folder": (self.folder_oid, self.oid, "folder", os.listdir),
            "link": (self.link, self.small, "link", os.readlink),
        }
        for name, (oid, other, entry, read) in cases.items():
            with open(self.writer.path(oid), "rb") as file:
                good = file.read()
            for harm_name in ("middle", "missing", "swapped", "cut by one"):
                with self.subTest(name, harm=harm_name):
                    self.harms(oid, other)[harm_name]()
                    with self.mounted(self.oid) as mount:
                        place = mount.path("srv", entry)
                        self.assertIn(entry, os.listdir(mount.path("srv")))
                        os.lstat(place)
                        self.assert_fails(errno.EIO, lambda: read(place))
                        with open(self.writer.path(oid), "wb") as file:
                            file.write(good)
                        if harm_name == "missing":
                            self.assert_heals(lambda: read(place))


if __name__ == "__main__":
    unittest.main()
