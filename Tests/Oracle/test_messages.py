"""The message table: exact text and status of what goes wrong."""

import os
import re
import signal
import subprocess
import unittest

from foreign import WrittenCase
from odd_tree import write
from program import PROGRAM, bytes_read, eventually, need_fuse
from rekkord_oracle import keys, tree
from rekkord_oracle.writer import RepositoryWriter


class MessageCase(WrittenCase):
    def setUp(self):
        super().setUp()
        self.oid = self.writer.save(
            b"web", [self.writer.folder_entry(b"srv", [self.writer.file_entry(b"f", b"1")])]
        )

    def access(self, key="Master", repo=None):
        return ["-R", repo or self.repo, "-K", self.key(key)]

    def assert_message(self, arguments, status, error, hint=None, **options):
        """The talk is exactly one error line, and one hint line where there is one."""
        result = self.run_program(*arguments, status=status, **options)
        self.assertEqual(result.stdout, b"")
        lines = os.fsdecode(result.stderr).splitlines()
        self.assertEqual(lines[0], f"rekkord: error: {error}")
        if isinstance(hint, str):
            self.assertEqual(lines[1:], [f"rekkord: hint: {hint}"])
        elif hint is not None:
            self.assertEqual(len(lines), 2, lines)
            self.assertTrue(lines[1].startswith("rekkord: hint: "), lines)
            for word in hint:
                self.assertIn(word, lines[1])
        else:
            self.assertEqual(lines[1:], [])


class UsageTests(MessageCase):
    def test_unknown_option(self):
        for arguments in (["save", "--foo"], ["save", "web", "--foo", "/"]):
            self.assert_message(arguments, 64, "unknown option '--foo'", "see 'rekkord save --help'")

    def test_unknown_command(self):
        result = self.run_program("frobnicate", status=64)
        self.assertIn(b"rekkord: error: unknown command 'frobnicate'", result.stderr)

    def test_no_command(self):
        result = self.run_program(status=64)
        self.assertEqual(result.stdout, b"")
        self.assertIn(b"usage", result.stderr.lower())

    def test_help_and_version(self):
        for arguments in (
            ["--help"],
            ["help"],
            ["help", "save"],
            ["save", "--help"],
            ["change-cid", "--help"],
        ):
            result = self.run_program(*arguments)
            self.assertIn(b"USAGE", result.stdout)
            self.assertEqual(result.stderr, b"")
        self.assertRegex(self.run_program("--version").stdout, rb"\Arekkord \d+\.\d+\.\d+\n\Z")

    def test_both_spellings(self):
        for command in ("change_cid", "change-cid"):
            for option in ("--key_file", "--key-file"):
                self.run_program(command, "-R", self.repo, f"{option}={self.key('Master')}")


class ConfigurationTests(MessageCase):
    def ini(self, text):
        path = self.path("rekkord.ini")
        write(path, text.encode())
        return path

    def test_unknown_key(self):
        path = self.ini("[Repository]\nURL = repo\n\n[S3]\nFoo = 1\n")
        self.assert_message(["identify", "-C", path], 64, f"{path}:5: unknown key 'Foo' in [S3]")

    def test_all_errors_are_told_at_once(self):
        path = self.ini("[Repository]\nURL = repo\nURL = again\n[Nothing]\nA = 1\n[Settings]\nThreads = 0\n")
        result = self.run_program("identify", "-C", path, status=64)
        places = [line.split(":")[3] for line in result.stderr.decode().splitlines() if ": error: " in line]
        self.assertEqual(len(places), 3, result.stderr)

    def test_duration_that_is_not_safe(self):
        path = self.ini("[Repository]\nURL = https://s3.example.com/bucket\n[S3]\nRetainDuration = 5d\n")
        error = f"{path}:4: RetainDuration of 5d is outside 14d to 100d"
        self.assert_message(
            ["identify", "-C", path, "-K", self.key("Master")], 64, error, ["DurationSafety = No"]
        )

    def test_missing_files(self):
        result = self.run_program("identify", "-C", self.path("none.ini"), status=64)
        self.assertIn(b"rekkord: error: cannot read ", result.stderr)
        result = self.run_program("identify", "-R", self.repo, "-K", self.path("none.key"), status=64)
        self.assertIn(b"rekkord: error: cannot read ", result.stderr)

    def test_relative_paths_count_from_the_file(self):
        path = self.ini("[Repository]\nURL = repo\nKeyFile = master.key\n")
        self.run_program("identify", "-C", path, cwd="/")


class RepositoryTests(MessageCase):
    def test_not_initialised(self):
        empty = self.path("empty")
        os.mkdir(empty)
        for place in (empty, self.path("absent")):
            error = f"cannot open repository '{place}': not initialised"
            self.assert_message(["identify", *self.access(repo=place)], 10, error, "run 'rekkord init'")

    def test_wrong_key(self):
        other = RepositoryWriter(self.path("other"), mkey=bytes(32)).create()
        error = f"cannot open repository '{other.root}': key does not match"
        self.assert_message(["identify", *self.access(repo=other.root)], 12, error)

    def test_older_repository(self):
        for version, size in ((2, 2113), (4, 4203)):
            self.writer.put("rekkord", bytes([version]) + bytes(size - 1))
            error = f"cannot open repository '{self.repo}': config version {version} is not supported"
            self.assert_message(["identify", *self.access()], 1, error)

    def test_damaged_config(self):
        path = os.path.join(self.repo, "rekkord")
        with open(path, "rb") as file:
            good = file.read()
        for data in (good[:100], good[:-1], good + b"\0", good[:-1] + bytes([good[-1] ^ 1]), b""):
            self.writer.put("rekkord", data)
            result = self.run_program("identify", *self.access(), status=None)
            self.assertIn(result.returncode, (1, 12))
            self.assertIn(f"rekkord: error: cannot open repository '{self.repo}': ".encode(), result.stderr)

    def test_tampered_keys(self):
        for name in ("Master", "ReadWrite"):
            with open(self.key(name), encoding="ascii") as file:
                text = file.read()
            damaged = self.path("damaged.key")
            for changed in (text.replace("A", "B") if name != "Master" else text[:60], text[:50], ""):
                write(damaged, changed.encode(), 0o600)
                result = self.run_program("identify", "-R", self.repo, "-K", damaged, status=12)
                self.assertTrue(result.stderr.startswith(b"rekkord: error: "), result.stderr)

    def test_missing_rights(self):
        point = self.path("point")
        os.mkdir(point)
        cases = [
            ("mount", ("WriteOnly", "LogOnly"), [self.oid, point]),
            ("list", ("WriteOnly", "LogOnly"), [self.oid]),
            ("save", ("LogOnly",), ["web", self.folder]),
            ("snapshots", ("WriteOnly",), []),
            ("channels", ("WriteOnly",), []),
            ("derive", ("WriteOnly", "ReadWrite", "LogOnly"), ["-t", "LogOnly", "-O", self.path("new.key")]),
            ("change_cid", ("WriteOnly", "ReadWrite", "LogOnly"), []),
        ]
        holders = {
            "mount": ["Master", "ReadWrite"],
            "list": ["Master", "ReadWrite"],
            "save": ["Master", "ReadWrite", "WriteOnly"],
            "snapshots": ["Master", "ReadWrite", "LogOnly"],
            "channels": ["Master", "ReadWrite", "LogOnly"],
            "derive": ["Master"],
            "change_cid": ["Master"],
        }
        for command, names, operands in cases:
            for name in names:
                with self.subTest(command, key=name):
                    verb = "list" if command in ("snapshots", "channels") else command
                    arguments = [command, *self.access(name), *operands]
                    result = self.run_program(*arguments, status=12)
                    first, hint = result.stderr.decode().splitlines()
                    self.assertRegex(first, rf"\Arekkord: error: cannot [a-z_ ]+ with {name} key\Z")
                    if command in ("mount", "list", "save", "derive"):
                        self.assertIn(f"cannot {verb} with", first)
                    for holder in holders[command]:
                        self.assertIn(holder, hint)

    def test_rights_come_before_the_first_request(self):
        for name in ("WriteOnly", "LogOnly"):
            self.run_program("list", *self.access(name, self.path("absent")), self.oid, status=12)

    def test_key_file_that_exists(self):
        path = self.path("server1.key")
        self.run_program("derive", *self.access(), "-t", "WriteOnly", "-O", path)
        with open(path, "rb") as file:
            first = file.read()
        arguments = ["derive", *self.access(), "-t", "WriteOnly", "-O", path]
        self.assert_message(arguments, 1, f"cannot write '{path}': file exists", "use --force")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), first)
        self.run_program(*arguments, "--force")
        self.assertNotEqual(keys.load_key(path).kid_text, keys.parse_key(first.decode()).kid_text)

    def test_initialised_twice(self):
        self.run_program("init", *self.access(), status=1)
        folder = self.path("with content")
        os.mkdir(folder)
        write(os.path.join(folder, "file"))
        self.run_program("init", *self.access(repo=folder), status=1)
        self.assertEqual(os.listdir(folder), ["file"])


class SaveTests(MessageCase):
    def test_missing_operand(self):
        missing = self.path("missing")
        result = self.run_program("save", *self.access("WriteOnly"), "web", missing, status=1)
        expected = f"rekkord: error: cannot read '{missing}': No such file or directory"
        self.assertIn(expected, result.stderr.decode().splitlines())

    def test_json_is_exactly_one_document(self):
        source = self.path("source")
        os.mkdir(source)
        shown = self.run_json("save", *self.access("WriteOnly"), "--format", "JSON", "web", source)
        self.assertEqual(
            {key: shown[key] for key in ("command", "channel", "size", "unreadable", "status", "dry_run")},
            {"command": "save", "channel": "web", "size": 0, "unreadable": 0, "status": 0, "dry_run": False},
        )

    def test_interrupted(self):
        source = self.path("source")
        os.mkdir(source)
        with open(os.path.join(source, "large"), "wb") as file:
            file.truncate(200 << 30)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = subprocess.Popen(
                [PROGRAM, "save", *self.access("WriteOnly"), "interrupted", source],
                env=self.environment,
                stderr=subprocess.PIPE,
            )
            eventually(lambda: bytes_read(process) > 50_000_000)
            process.send_signal(number)
            _, talk = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 128 + number, talk)
            self.assertEqual(talk.decode().splitlines()[-1:], ["rekkord: error: interrupted"])
        channels = {tag.payload.channel for tag in self.reader().tags()[0]}
        self.assertEqual(channels, {b"web"})
        self.assertEqual(os.listdir(os.path.join(self.repo, "tmp")), [])


class MountTests(MessageCase):
    def setUp(self):
        super().setUp()
        need_fuse()

    def test_impossible_mount_points(self):
        inside = os.path.join(self.repo, "inside")
        os.mkdir(inside)
        full = self.path("full")
        os.makedirs(os.path.join(full, "content"))
        file = self.path("file")
        write(file)
        for point, reason in (
            (inside, "it lies inside the repository"),
            (full, None),
            (file, None),
            (self.path("absent"), None),
            (self.folder, None),
        ):
            result = self.run_program("mount", *self.access(), self.oid, point, status=64)
            line = result.stderr.decode().splitlines()[0]
            self.assertTrue(line.startswith(f"rekkord: error: cannot mount on '{point}': "), line)
            if reason:
                self.assertEqual(line, f"rekkord: error: cannot mount on '{point}': {reason}")

    def test_not_found(self):
        point = self.path("point")
        os.mkdir(point)
        for identifier in ("none", "web:none", "M" + "0" * 64):
            result = self.run_program("mount", *self.access(), identifier, point, status=1)
            self.assertTrue(result.stderr.startswith(b"rekkord: error: cannot "), result.stderr)
        self.assert_message(["mount", *self.access(), "none", point], 1, "cannot find 'none'")

    def test_damage_and_unreadable_entries_are_logged(self):
        w = self.writer
        damaged = w.file_entry(b"damaged", b"some content")
        lost = w.file_entry(b"lost\n", b"other content")
        entries = [damaged, lost, w.not_stored_entry(b"denied", tree.KIND_FILE, size=5)]
        oid = w.save(b"bad", [w.folder_entry(b"home/alice", entries)])
        w.replace("R" + damaged.hash.hex(), "R" + w.file(b"swapped").hex())
        w.remove("R" + lost.hash.hex())
        with self.mounted(oid) as mount:
            for entry in entries:
                with self.assertRaises(OSError):
                    with open(os.fsencode(mount.path("home/alice/")) + entry.name, "rb") as file:
                        file.read()
            lines = mount.log().splitlines()
        self.assertIn(
            "rekkord: error: cannot read 'home/alice/denied': it could not be read when it was saved", lines
        )
        for name, entry, reason in (
            ("damaged", damaged, "hash mismatch"),
            (r"lost\x0A", lost, "object is missing"),
        ):
            digits = entry.hash.hex().upper()
            expected = rf"cannot read 'home/alice/{re.escape(name)}': R{digits[:6]}\S*{digits[-4:]}: {reason}"
            self.assertRegex("\n".join(lines), expected)

    def test_background_and_signals(self):
        point = self.path("point")
        os.mkdir(point)
        self.run_program("mount", *self.access(), self.oid, point)
        self.assertTrue(os.path.ismount(point))
        with open(os.path.join(point, "srv/f"), "rb") as file:
            self.assertEqual(file.read(), b"1")
        subprocess.run(["fusermount3", "-u", point], check=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.mounted(self.oid) as mount:
                busy = os.open(mount.path("srv"), os.O_RDONLY)
                mount.process.send_signal(number)
                self.assertEqual(mount.process.wait(10), 0, mount.log())
                os.close(busy)


if __name__ == "__main__":
    unittest.main()
