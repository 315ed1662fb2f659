"""Drives the built program: runs commands in a sandbox, and mounts."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from rekkord_oracle import keys, live
from rekkord_oracle.compare import Comparison, Options
from rekkord_oracle.repository import Repository
from rekkord_oracle.verify import Verification

PROGRAM = os.environ.get("REKKORD_BINARY", "rekkord")
COMMAND_TIMEOUT = 120
# Builds with a sanitizer on a busy machine take their time.
MOUNT_TIMEOUT = 60


def need_fuse():
    """Fails, rather than skips, where FUSE is missing: a skipped mount test proves nothing."""
    if os.path.exists("/dev/fuse") and shutil.which("fusermount3"):
        return
    if os.environ.get("REKKORD_NO_FUSE") == "1":
        raise unittest.SkipTest("no FUSE here (REKKORD_NO_FUSE=1)")
    raise AssertionError("no /dev/fuse or no fusermount3; set REKKORD_NO_FUSE=1 to accept that")


def eventually(action, seconds=30):
    """Repeats `action` until it neither fails nor gives something false; returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if result := action():
                return result
        except OSError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise AssertionError("it does not happen")
        time.sleep(0.02)


def bytes_read(process):
    """How much a process has read so far, from whatever it reads."""
    with open(f"/proc/{process.pid}/io", encoding="ascii") as file:
        return int(file.readline().removeprefix("rchar:"))


class SandboxCase(unittest.TestCase):
    """A test with a folder of its own, where the program finds no configuration but ours."""

    wrapper = []  # words in front of the program

    def setUp(self):
        live.allow_deep_trees()
        self.folder = tempfile.mkdtemp(prefix="rekkord-oracle-")
        self.addCleanup(live.remove_tree, self.folder)
        self.repo = self.path("repo")
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("REKKORD_", "XDG_", "S3_", "AWS_", "SSH_"))
        }
        self.environment |= {"HOME": self.folder, "XDG_CACHE_HOME": self.path("cache"), "TZ": "UTC"}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run_program(self, *arguments, status=0, **options):
        """Runs one command and checks its exit status; returns the finished process with bytes as output."""
        result = subprocess.run(
            [*self.wrapper, PROGRAM, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            **options,
        )
        if status is not None:
            shown = " ".join(os.fsdecode(argument) for argument in arguments)
            self.assertEqual(result.returncode, status, f"rekkord {shown}\n{os.fsdecode(result.stderr)}")
        return result

    def run_json(self, *arguments, **options):
        return json.loads(self.run_program(*arguments, **options).stdout)

    def make_repository(self):
        """Makes a repository and its keys with the program itself."""
        self.run_program("init", "-g", "-R", self.repo, "-K", self.path("master.key"))
        for name in keys.TYPE_NAMES[1:]:
            self.run_program(
                "derive", "-R", self.repo, "-K", self.path("master.key"), "-t", name, "-O", self.key(name)
            )

    def key(self, name):
        return self.path("master.key" if name == "Master" else f"{name}.key")

    def place(self, key):
        """The options that name repository and key."""
        return ["-R", self.repo, "-K", self.key(key)]

    def save(self, channel, *paths, key="WriteOnly", options=(), **others):
        return self.run_program("save", *self.place(key), *options, channel, *paths, **others)

    def reader(self, key="Master"):
        return Repository(self.repo, keys.load_key(self.key(key)))

    def assert_sound(self, orphans=False):
        """The oracle finds no fault in the repository."""
        verification = Verification(self.reader())
        verification.run()
        self.assertEqual(verification.problems, [])
        if not orphans:
            self.assertEqual(verification.orphans, [])
        return verification

    def assert_equal_tree(self, snapshot, below, **options):
        """A snapshot equals what lies in a folder; returns the counts of the comparison."""
        reader = self.reader()
        comparison = Comparison(reader, Options(**options))
        comparison.run(reader.resolve(snapshot), below)
        self.assertEqual(comparison.differences[:30], [])
        return comparison.counts

    @contextlib.contextmanager
    def mounted(self, *arguments, key="Master", options=()):
        """Mounts in the foreground; on leaving, unmounts and checks that the program ends with status 0."""
        need_fuse()
        mount = Mount(self, [*options, *arguments], key)
        try:
            yield mount
        finally:
            mount.end()


class Mount:
    def __init__(self, case, arguments, key):
        self.case = case
        self.point = tempfile.mkdtemp(prefix="mount-", dir=case.folder)
        self.log_path = self.point + ".log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "mount", "-f", *case.place(key), *arguments, self.point],
                env=case.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + MOUNT_TIMEOUT
        while not os.path.ismount(self.point):
            if self.process.poll() is not None:
                case.fail(f"mount ended with {self.process.returncode}\n{self.log()}")
            if time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                case.fail(f"mount did not come up\n{self.log()}")
            time.sleep(0.01)

    def log(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def path(self, *parts):
        return os.path.join(self.point, *parts)

    def end(self):
        if self.process.poll() is None:
            unmounted = subprocess.run(["fusermount3", "-u", self.point], capture_output=True)
            if unmounted.returncode != 0:
                self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(MOUNT_TIMEOUT)
        except subprocess.TimeoutExpired:
            subprocess.run(["fusermount3", "-uz", self.point], capture_output=True)
            self.process.kill()
            self.process.wait()
            self.case.fail(f"mount did not end\n{self.log()}")
        self.case.assertEqual(status, 0, self.log())
        self.case.assertFalse(os.path.ismount(self.point))
