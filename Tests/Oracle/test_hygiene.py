"""What a process leaves of keys: in its memory, in core dumps, in files, in `ps`, and in what it says."""

import os
import re
import resource
import signal
import stat
import subprocess
import unittest

from odd_tree import write
from program import PROGRAM, SandboxCase, bytes_read, eventually, need_fuse
from rekkord_oracle import keys

# Of a key set, what must stay secret; the others are public halves.
SECRETS = ("ckey", "dkey", "lkey", "nkey", "skey")


def mappings(pid):
    """(start, end, flags) of all mappings of a process."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) [rwxps-]{4} ", line):
                start, end = (int(number, 16) for number in match.groups())
            elif line.startswith("VmFlags:"):
                found.append((start, end, set(line.split()[1:])))
    return found


def places(pid, secret):
    """The flags of the mappings in which some bytes lie."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, flags in mappings(pid):
            # Pieces that overlap, so that nothing is missed at a seam.
            for position in range(start, end, 1 << 22):
                try:
                    memory.seek(position)
                    data = memory.read(min((1 << 22) + len(secret), end - position))
                except (OSError, OverflowError, ValueError):
                    continue  # the kernel's own pages, and what no file stands behind
                if secret in data:
                    found.append(flags)
    return found


@unittest.skipUnless(os.geteuid() == 0, "needs root, since the memory of the program is closed to its user")
class MemoryTests(SandboxCase):
    """Keys lie in memory that is locked and left out of dumps, and nowhere else: not in what was freed either."""

    def setUp(self):
        super().setUp()
        self.make_repository()
        self.source = self.path("data")
        os.mkdir(self.source)
        write(os.path.join(self.source, "file"), os.urandom(1_000_000))
        self.save("web", self.source)

    def assert_guarded(self, process, key):
        with open(self.key(key), "rb") as file:
            text = file.read().splitlines()[1]
        loaded = keys.load_key(self.key(key))
        seen = 0
        process.send_signal(signal.SIGSTOP)
        try:
            self.assertEqual(places(process.pid, text), [], "the text of the key file")
            for name in SECRETS:
                secret = getattr(loaded, name)
                if secret is None:
                    continue
                for flags in places(process.pid, secret):
                    seen += 1
                    # "lo": never swapped out; "dd": not in a dump.
                    self.assertLessEqual({"lo", "dd"}, flags, f"{name} in memory with {' '.join(sorted(flags))}")
        finally:
            process.send_signal(signal.SIGCONT)
        self.assertGreater(seen, 0, "no key was found at all: the test looks in the wrong places")

    def test_a_mount(self):
        need_fuse()
        for key in ("Master", "ReadWrite"):
            with self.mounted("web", key=key) as mount:
                with open(mount.path(self.source[1:], "file"), "rb") as file:
                    file.read()
                self.assert_guarded(mount.process, key)

    def test_a_save(self):
        with open(os.path.join(self.source, "large"), "wb") as file:
            file.truncate(200 << 30)
        for key in ("Master", "WriteOnly"):
            process = subprocess.Popen(
                [PROGRAM, "save", *self.place(key), "web", self.source],
                env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                eventually(lambda: bytes_read(process) > 50_000_000)
                self.assert_guarded(process, key)
            finally:
                process.kill()
                process.wait()


class DumpTests(SandboxCase):
    def test_no_core_is_dumped(self):
        self.make_repository()
        source = self.path("data")
        os.mkdir(source)
        with open(os.path.join(source, "large"), "wb") as file:
            file.truncate(200 << 30)
        process = subprocess.Popen(
            [PROGRAM, "save", *self.place("WriteOnly"), "web", source],
            env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30)),
        )  # fmt: skip
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        eventually(lambda: bytes_read(process) > 50_000_000)
        with open(f"/proc/{process.pid}/limits", encoding="ascii") as file:
            limit = next(line for line in file if line.startswith("Max core file size"))
        self.assertEqual(limit.split()[4:6], ["0", "0"])
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, -signal.SIGSEGV)
        self.assertFalse(os.WCOREDUMP(status))
        # Nor does a report show registers, or the memory that they point to.
        self.assertEqual(process.stderr.read(), b"")


class FileTests(SandboxCase):
    """Whatever the umask: what bears keys, or tells of what was saved, is its owner's alone."""

    def test_modes(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.make_repository()
        source = self.path("data")
        os.mkdir(source)
        write(os.path.join(source, "file"), b"content")
        self.save("web", source)
        self.run_program("scan", *self.place("Master"))
        self.run_program("list", *self.place("Master"), "web")
        for name in keys.TYPE_NAMES:
            self.assert_mode(self.key(name), 0o600)
        kept = []
        for folder, _, names in os.walk(self.path("cache", "rekkord")):
            self.assert_mode(folder, 0o700)
            for name in names:
                kept.append(name)
                self.assert_mode(os.path.join(folder, name), 0o600)
        self.assertTrue(kept)
        for folder, _, names in os.walk(self.repo):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o022, 0, f"{path} can be written by others")

    def assert_mode(self, path, mode):
        self.assertEqual(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(mode), path)


class TalkTests(SandboxCase):
    """Nothing that is said, and no command line of a process, bears a secret."""

    def test_secrets_are_not_told(self):
        self.make_repository()
        secret, token = "wJalrXUtnFEMI-K7MDENG", "session-token-0815"
        with open(self.key("Master"), "rb") as file:
            text = file.read().splitlines()[1]
        self.environment |= {"S3_ACCESS_KEY_ID": "AKID", "S3_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
        source = self.path("data")
        os.mkdir(source)
        # Nobody listens there.
        unreachable = ["-R", "http://127.0.0.1:1/bucket/repo", "-K", self.key("Master")]
        configuration = self.path("wrong.ini")
        write(configuration, f"[Repository]\nURL = {self.repo}\n[S3]\nSecretKey = {secret}\nSecretKy = {secret}\n".encode())
        write(self.path("torn.key"), b"-----BEGIN REKKORD KEY-----\n" + text[:30] + b"\n-----END REKKORD KEY-----\n")
        for arguments in (
            ["identify", "-vv", *unreachable, "--timeout", "1"],
            ["identify", "-vv", *unreachable],
            ["save", "-vv", *unreachable, "web", source],
            ["snapshots", "-vv", *self.place("Master")],
            ["identify", "-vv", *self.place("Master")],
            ["identify", "-C", configuration],
            ["identify", "-R", self.repo, "-K", self.path("torn.key")],
            ["save", "-vv", *self.place("Master"), "web", source],
            ["scan", "-vv", *self.place("Master")],
        ):
            result = self.run_program(*arguments, status=None)
            said = result.stdout + result.stderr
            for hidden in (secret.encode(), token.encode(), text, text[:30]):
                self.assertNotIn(hidden, said, f"{arguments[0]}: {said!r}")


if __name__ == "__main__":
    unittest.main()
