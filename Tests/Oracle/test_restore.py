"""What the built program restores, judged by the oracle."""

import base64
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from odd_tree import make_odd_tree, write
from program import PROGRAM, SandboxCase
from rekkord_oracle import blobs, live, tree
from rekkord_oracle.writer import RepositoryWriter

MEBIBYTE = 1 << 20
NOBODY = 65534


class RestoreCase(SandboxCase):
    def setUp(self):
        super().setUp()
        self.source = self.path("source")
        self.target = self.path("target")

    def restore(self, identifier, *options, target=None, status=0, **others):
        return self.run_program(
            "restore", "-R", self.repo, "-K", self.key("Master"), *options, identifier, target or self.target,
            status=status, **others,
        )  # fmt: skip

    def restore_json(self, *arguments, **options):
        return json.loads(self.restore(*arguments, "--format", "json", **options).stdout)

    def assert_restored(self, snapshot="web", target=None, **options):
        """What lies in the target is what the snapshot has, as far as it can be restored."""
        return self.assert_equal_tree(snapshot, target or self.target, restored=True, **options)

    def temporary_files(self):
        return [name for _, _, names in os.walk(self.target) for name in names if name.startswith(".rekkord-")]


class RoundTripTests(RestoreCase):
    def setUp(self):
        super().setUp()
        self.make_repository()

    def make_and_save(self):
        make_odd_tree(self.source)
        self.save("web", self.source, options=("-m", "XAttrs,ATime"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_odd_tree_comes_back_whole(self):
        self.make_and_save()
        for number, options in enumerate(((), ("--sparse", "-j", "1"), ("--verify",))):
            target = self.path(f"target-{number}")
            result = self.restore("web", "-m", "Owner,XAttrs", *options, target=target)
            counts = self.assert_restored(target=target, attributes=True, atime=not number)
            self.assertGreater(counts["file"], 40)
            self.assertEqual(result.stderr.count(b"special file"), 4)
        sparse = "contents/sparse"
        plain, holes = (os.stat(self.path(f"target-{n}") + f"{self.source}/{sparse}").st_blocks for n in (0, 1))
        self.assertGreaterEqual(plain * 512, 25 * MEBIBYTE)
        self.assertLessEqual(holes, os.stat(f"{self.source}/{sparse}").st_blocks)

    def test_without_owners_everything_else_comes_back(self):
        self.make_and_save()
        self.restore("web")
        self.assert_restored(owner=False, atime=True)
        for folder, _, names in os.walk(self.target):
            for name in names:
                status = os.lstat(os.path.join(folder, name))
                self.assertEqual((status.st_uid, status.st_mode & 0o6000), (os.geteuid(), 0))

    def test_everywhere_into_an_existing_tree(self):
        """A tree that was changed in every way is the snapshot's again, with each rule that may replace."""
        self.make_and_save()
        for rule in ("always", "changed"):
            with self.subTest(rule):
                target = self.path(rule)
                self.restore("web", target=target)
                self.damage(target + self.source)
                result = self.restore_json("web", "--overwrite", rule, "--delete", "--verify", target=target)
                self.assert_restored(target=target, owner=False)
                self.assertEqual((result["failed"], result["deleted"]), (0, 2))

    def damage(self, top):
        write(f"{top}/contents/text", b"other")
        write(f"{top}/times/extra", b"extra")
        os.makedirs(f"{top}/names/folder/with/folders")
        os.chmod(f"{top}/contents", 0o700)
        os.unlink(f"{top}/links/bytes")
        os.symlink("elsewhere", f"{top}/links/bytes")
        os.unlink(f"{top}/contents/empty")
        os.mkdir(f"{top}/contents/empty")
        shutil.rmtree(f"{top}/empty")
        os.symlink("/", f"{top}/empty")
        os.utime(f"{top}/contents/zeros", (1, 1))

    def test_rules_that_keep(self):
        os.mkdir(self.source)
        for name in ("older", "newer", "absent"):
            write(f"{self.source}/{name}", b"saved")
            os.utime(f"{self.source}/{name}", (1_000_000, 1_000_000))
        self.save("web", self.source)
        for rule, expected in (("newer", b"saved"), ("NEVER", b"mine")):
            below = self.path(rule) + self.source
            os.makedirs(below)
            for name, when in (("older", 999_999), ("newer", 1_000_001)):
                write(f"{below}/{name}", b"mine")
                os.utime(f"{below}/{name}", (when, when))
            summary = self.restore_json("web", "--overwrite", rule, "--verify", target=self.path(rule))
            contents = {}
            for name in os.listdir(below):
                with open(f"{below}/{name}", "rb") as file:
                    contents[name] = file.read()
            self.assertEqual(contents, {"older": expected, "newer": b"mine", "absent": b"saved"})
            self.assertEqual(summary["skipped"], 1 if rule == "newer" else 2)

    def test_a_killed_restore_is_started_again(self):
        os.mkdir(self.source)
        chance = random.Random(5)
        for number in range(300):
            folder = f"{self.source}/{number % 10}"
            os.makedirs(folder, exist_ok=True)
            write(f"{folder}/{number}", chance.randbytes(20_000))
        write(f"{self.source}/large", chance.randbytes(40_000_000))
        self.save("web", self.source)
        command = [PROGRAM, "restore", "-R", self.repo, "-K", self.key("Master"), "--overwrite", "changed", "web",
                   self.target]  # fmt: skip
        killed = 0
        deadline = time.monotonic() + 60
        while killed < 4:
            self.assertLess(time.monotonic(), deadline, "every restore ended before it was killed")
            process = subprocess.Popen(
                command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            there = self.restored_names()
            while process.poll() is None and self.restored_names() < there + 40:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            if process.wait() != -signal.SIGKILL:
                # It was quicker than we: once more from the start.
                shutil.rmtree(self.target)
                continue
            killed += 1
            # What bears a name is whole.
            for folder, _, names in os.walk(self.target):
                for name in names:
                    if not name.startswith(".rekkord-"):
                        path = os.path.join(folder, name)
                        original = os.path.join("/", os.path.relpath(path, self.target))
                        self.assertEqual(os.path.getsize(path), os.path.getsize(original), path)
        self.restore("web", "--overwrite", "changed", "--verify")
        self.assert_restored(owner=False)
        self.assertEqual(self.temporary_files(), [])

    def restored_names(self):
        return sum(len(names) for _, _, names in os.walk(self.target))

    def test_a_signal_ends_it_without_temporary_files(self):
        self.hole(1 << 40)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = subprocess.Popen(
                [PROGRAM, "restore", "-R", self.repo, "-K", self.key("Master"), "--sparse", "-f", "hole", self.target],
                env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            deadline = time.monotonic() + 30
            while not (os.path.isdir(self.target) and self.temporary_files()):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.005)
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
            self.assertEqual((process.returncode, output, errors), (128 + number, b"", b"rekkord: error: interrupted\n"))
            self.assertEqual(self.temporary_files(), [])
            self.assertEqual(os.listdir(self.target), [])

    def hole(self, size):
        """A snapshot of a file of nothing but zeros, as long as wanted."""
        with open(self.key("Master"), encoding="ascii") as file:
            writer = RepositoryWriter(self.repo, mkey=base64.b64decode(file.read().splitlines()[1]))
        step = 8 * MEBIBYTE
        digest = writer.blob(blobs.CHUNK, bytes(step))
        chunks = [tree.ChunkReference(start, step, digest) for start in range(0, size, step)]
        table = writer.blob(blobs.FILE, tree.encode_file_table(chunks, size))
        return writer.save(b"hole", [writer.entry(b"file", tree.KIND_FILE, hash=table, mode=0o600, size=size)])

    def test_depth_takes_few_descriptors(self):
        """The innermost file is written last, when all folders around it were left."""
        depth = 1000
        os.mkdir(self.source)
        folder = os.open(self.source, live.FOLDER_FLAGS)
        for _ in range(depth):
            os.mkdir("d", 0o755, dir_fd=folder)
            inner = live.open_folder(folder, "d")
            os.close(folder)
            folder = inner
        with open(os.open("bottom", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder), "wb") as file:
            file.write(random.Random(1).randbytes(30_000_000))
        os.close(folder)
        self.save("web", self.source)
        self.restore("web", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
        self.assert_restored(owner=False)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
    def test_as_an_ordinary_user(self):
        """Everything but owners, each of which is named; its own files in full."""
        program = self.path("rekkord")
        shutil.copy2(PROGRAM, program)
        os.makedirs(f"{self.source}/folder")
        write(f"{self.source}/mine", b"1", 0o640)
        write(f"{self.source}/other", b"2", 0o4755)
        os.setxattr(f"{self.source}/mine", "user.note", b"x")
        for name in ("", "/folder", "/mine"):
            os.chown(self.source + name, NOBODY, NOBODY)
        self.save("web", self.source, options=("-m", "XAttrs"))
        for folder, _, names in os.walk(self.folder):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                if not path.startswith(self.source):
                    os.chown(path, NOBODY, NOBODY)
        command = [program, "restore", "-R", self.repo, "-K", self.key("Master"), "-m", "Owner,XAttrs", "web", self.target]
        result = subprocess.run(
            command, env=self.environment, capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/"
        )
        other = f"{self.target}{self.source}/other"
        self.assertEqual(
            result.stderr.decode(),
            f"rekkord: warning: cannot set the owner of '{other}': Operation not permitted\n"
            "rekkord: warning: 1 entry could not be restored\n",
        )
        self.assertEqual(result.returncode, 3)
        status = os.stat(other)
        self.assertEqual((status.st_uid, status.st_mode & 0o7777), (NOBODY, 0o755))
        mine = f"{self.target}{self.source}/mine"
        self.assertEqual((os.stat(mine).st_mode & 0o7777, os.getxattr(mine, "user.note")), (0o640, b"x"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount")
    def test_a_full_disk_ends_it(self):
        os.mkdir(self.source)
        for number in range(40):
            write(f"{self.source}/{number}", random.Random(number).randbytes(100_000))
        self.save("web", self.source)
        os.mkdir(self.target)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", self.target], check=True)
        try:
            result = self.restore("web", "-f", status=1)
            self.assertRegex(
                result.stderr.decode(),
                rf"^rekkord: error: cannot write '{self.target}{self.source}/\d+': No space left on device\n$",
            )
            self.assertEqual(self.temporary_files(), [])
        finally:
            subprocess.run(["umount", self.target], check=True)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount")
    def test_what_was_stored_empty_because_it_was_not_entered_is_not_emptied(self):
        """The repository in the tree itself, and a file system mounted where the snapshot has an empty folder."""
        os.makedirs(f"{self.source}/mounted")
        inner = f"{self.source}/repository"
        shutil.copytree(self.repo, inner)
        self.save("web", self.source, options=("-R", inner, "--cache-dir", self.path("c")))
        before = sorted(os.listdir(inner))
        subprocess.run(["mount", "-t", "tmpfs", "none", f"{self.source}/mounted"], check=True)
        try:
            write(f"{self.source}/mounted/file", b"stays")
            write(f"{self.source}/extra", b"goes")
            result = self.run_program(
                "restore", "-R", inner, "-K", self.key("Master"), "-f", "--delete", f"web:{self.source}", self.source
            )
            self.assertEqual(os.listdir(f"{self.source}/mounted"), ["file"])
        finally:
            subprocess.run(["umount", f"{self.source}/mounted"], check=True)
        self.assertEqual(sorted(os.listdir(self.source)), ["mounted", "repository"])
        self.assertEqual(sorted(os.listdir(inner)), before)
        self.assertIn(b"not entering", result.stderr)


class MessageTests(RestoreCase):
    def setUp(self):
        super().setUp()
        self.make_repository()
        os.makedirs(f"{self.source}/folder")
        write(f"{self.source}/a", b"alpha")
        os.symlink("a", f"{self.source}/folder/link")
        self.save("web", self.source)

    def assert_lines(self, result, error, output=b""):
        self.assertEqual(result.stderr.decode(), error)
        self.assertEqual(result.stdout, output)

    def test_plain_summary(self):
        for options, note in ((("-n",), r" \[dry run\]"), ((), "")):
            result = self.restore(f"web:{self.source}", *options)
            self.assertRegex(
                result.stdout.decode(),
                rf"^Restored: {self.target} \(5 B\)\nExecution time: \d+\.\ds{note}\n$",
            )
            self.assertEqual(result.stderr, b"")

    def test_json_summary(self):
        summary = self.restore_json(f"web:{self.source}")
        self.assertGreaterEqual(summary.pop("duration"), 0)
        digest = summary.pop("object")
        self.assertRegex(digest, r"^M[0-9A-F]{64}$")
        self.assertEqual(
            summary,
            {"command": "restore", "destination": self.target, "files": 1, "directories": 1, "links": 1, "size": 5,
             "skipped": 0, "failed": 0, "deleted": 0, "dry_run": False, "status": 0},
        )  # fmt: skip

    def test_details(self):
        write(f"{self.source}/folder/gone", b"")
        self.save("web", self.source)
        self.restore(f"web:{self.source}")
        os.unlink(f"{self.source}/folder/gone")
        self.save("web", self.source)
        result = self.restore(f"web:{self.source}", "-v", "-f", "--delete")
        first, *lines = result.stderr.decode().splitlines()
        self.assertEqual(first, f"Repository: {self.repo} (Master)")
        self.assertEqual(sorted(lines), ["[-] folder/gone", "[D] folder/", "[F] a", "[L] folder/link"])

    def test_usage(self):
        hint = "rekkord: hint: see 'rekkord restore --help'\n"
        for arguments, message in (
            ([], "missing operand <identifier>"),
            (["web"], "missing operand <destination>"),
            (["web", "a", "b"], "surplus operand 'b'"),
            (["--delete", "web", "a"], "'--delete' needs '--force'"),
        ):
            result = self.run_program("restore", *arguments, status=64)
            self.assert_lines(result, f"rekkord: error: {message}\n{hint}")
        result = self.run_program("restore", ":", "a", status=64)
        self.assertIn(b"cannot restore ':': it stands for all snapshots", result.stderr)

    def test_destinations(self):
        os.mkdir(self.target)
        write(f"{self.target}/x", b"")
        force = "rekkord: hint: use --force\n"
        for identifier, target, reason, hint, status in (
            ("web", self.target, "it is not empty", force, 1),
            ("web", f"{self.target}/x", "it is not a folder", "", 1),
            (f"web:{self.source}/a", f"{self.target}/x", "file exists", force, 1),
            ("web", f"{self.repo}/blobs", "it lies inside the repository", "", 64),
        ):
            result = self.restore(identifier, target=target, status=status)
            self.assert_lines(result, f"rekkord: error: cannot restore to '{target}': {reason}\n{hint}")
        result = self.restore("web:nothing", status=1)
        self.assert_lines(result, "rekkord: error: cannot find 'web:nothing'\n")

    def test_rights(self):
        for name in ("WriteOnly", "LogOnly"):
            result = self.run_program(
                "restore", "-R", self.repo, "-K", self.key(name), "web", self.target, status=12
            )
            self.assert_lines(
                result,
                f"rekkord: error: cannot restore with {name} key\n"
                "rekkord: hint: use a Master or ReadWrite key\n",
            )

    def test_damage(self):
        """Named, counted, and everything else is restored."""
        reader = self.reader()
        folder = reader.snapshot(reader.resolve("web")).level.entries[0]
        entry = next(e for e in reader.directory(folder.hash).entries if e.name == b"a")
        identifier = blobs.object_id("R", entry.hash)
        path = os.path.join(self.repo, blobs.object_name("R", entry.hash))
        with open(path, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
        result = self.restore(f"web:{self.source}", status=3)
        self.assertEqual(
            result.stderr.decode(),
            f"rekkord: warning: cannot read 'a': {identifier}: it does not decrypt\n"
            "rekkord: warning: 1 entry could not be restored\n",
        )
        self.assertRegex(result.stdout.decode(), r"\(0 B\)\nFailed entries: 1\nExecution time: ")
        self.assertEqual(os.listdir(self.target), ["folder"])
        self.assertEqual(self.restore_json("web", "-n", "--verify", target=self.path("no"), status=3)["failed"], 1)
        os.unlink(path)
        result = self.restore("web", "-f", status=3)
        self.assertIn(f"{self.source[1:]}/a': {identifier}: object is missing\n".encode(), result.stderr)


class HostileTests(RestoreCase):
    """Repositories made by hand, on the disk; the rest is in the unit tests."""

    def setUp(self):
        super().setUp()
        self.writer = RepositoryWriter(self.repo).create()
        self.writer.save_master_key(self.key("Master"))

    def peak_memory(self, *arguments):
        """The status and the most memory that a restore took, in bytes."""
        command = [PROGRAM, "restore", "-R", self.repo, "-K", self.key("Master"), *arguments, self.target]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_maxrss * 1024

    def test_bombs_take_little_memory(self):
        """32 files, each a few hundred kB that become 400 MB."""
        digest = self.writer.blob(blobs.CHUNK, bytes(400_000_000), level=1)
        entries = [
            self.writer.entry(b"%d" % number, tree.KIND_FILE, hash=digest, mode=0o600, size=1)
            for number in range(32)
        ]
        self.writer.save(b"web", entries)
        status, memory = self.peak_memory("-j", "8", "web")
        self.assertEqual(status, 3)
        self.assertEqual(os.listdir(self.target), [])
        # One at a time may grow to the limit of 256 MiB before it is refused.
        self.assertLess(memory, 500_000_000)

    def test_a_lie_about_a_name_is_refused(self):
        """A folder under the name that its own entry gives, and the content of one file under the name of another."""
        inner = self.writer.folder_entry(b"inner", [self.writer.file_entry(b"x", b"1")])
        outer = self.writer.folder_entry(b"outer", [inner])
        one, two = self.writer.file_entry(b"one", b"first"), self.writer.file_entry(b"two", b"second")
        self.writer.save(b"web", [outer, one, two])
        self.writer.replace(blobs.object_id("M", inner.hash), blobs.object_id("M", outer.hash))
        self.writer.replace(blobs.object_id("R", one.hash), blobs.object_id("R", two.hash))
        result = self.restore("web", status=3)
        self.assertEqual(result.stderr.count(b"hash mismatch"), 2)
        self.assertEqual(sorted(os.listdir(self.target)), ["outer", "two"])
        self.assertEqual(os.listdir(f"{self.target}/outer/inner"), [])

    def test_old_layouts_come_back(self):
        """Folders and snapshots of earlier revisions."""
        entry = self.writer.folder_entry(
            b"old", [self.writer.file_entry(b"x", b"1")], blob_type=blobs.DIRECTORY3
        )
        self.writer.save(b"web", [entry])
        self.restore("web")
        self.assert_restored(owner=False)


class MountPointTests(RestoreCase):
    """Other file systems where a restore goes."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can mount other file systems")
        self.make_repository()

    def other(self, point, *options):
        os.makedirs(point, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(["size=64k", *options]), "other", point], check=True)
        self.addCleanup(subprocess.run, ["umount", point], capture_output=True)

    def test_one_that_was_saved_empty_is_not_emptied(self):
        disk = os.path.join(self.source, "disk")
        self.other(disk)
        write(os.path.join(disk, "data"), b"precious")
        self.save("web", self.source, options=("-x",))
        for folder, target in ((disk[1:], disk), (self.source[1:], self.source)):
            self.restore(f"web:{folder}", "-f", "--delete", target=target)
            self.assertEqual(os.listdir(disk), ["data"])

    def test_one_that_is_read_only_costs_what_would_go_there(self):
        for name in ("a", "m", "z"):
            os.makedirs(os.path.join(self.source, name))
            write(os.path.join(self.source, name, "file"), name.encode())
        self.save("web", self.source)
        self.other(os.path.join(self.target, "m"), "ro")
        result = self.restore(f"web:{self.source[1:]}", "-f", "-j1", status=3)
        self.assertIn(b"m/file': Read-only file system", result.stderr)
        for name in ("a", "z"):
            with open(os.path.join(self.target, name, "file"), encoding="ascii") as file:
                self.assertEqual(file.read(), name)


if __name__ == "__main__":
    unittest.main()
