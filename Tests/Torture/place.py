"""A place for one scenario: a tree to save, a template of everything the program keeps, and the copy it works on."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace

import faults
from rekkord_oracle import blobs, keys
from rekkord_oracle.compare import Comparison, Options
from rekkord_oracle.repository import Repository, snapshot_view, walk
from rekkord_oracle.tree import KIND_DIRECTORY
from rekkord_oracle.verify import Verification

PROGRAM = os.environ.get("REKKORD_BINARY", "rekkord")
HERE_READER = str(pathlib.Path(__file__).resolve().parent / "read_tree.py")
# From this size on a tree has a file of many chunks.
HUGE_SIZE = 100
# What a killed process may leave behind.
LEFTOVERS = ("temporary file was left behind", "fragment without a tag")


class Finding(Exception):
    """The program did what it must not do."""


def expect(condition, text):
    if not condition:
        raise Finding(text)


class Place:
    """
    base/tree                      what is saved; its inodes stay, so that stat caches of the template hold
    base/template/…                repo, cache, keys before the command under torture
    base/work/…                    the same, copied for each point, always under this name
    """

    def __init__(self, size=1):
        parent = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="rekkord-torture-", dir=parent))
        self.tree = self.base / "tree"
        self.template = self.base / "template"
        self.work = self.base / "work"
        self.work.mkdir()
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("REKKORD_", "XDG_", "S3_", "AWS_", "SSH_", "LD_", "TORTURE_"))
        }
        self.size = size
        self.environment |= {"HOME": str(self.work), "XDG_CACHE_HOME": str(self.work / "cache"), "TZ": "UTC"}
        # One worker for small trees, so that the n-th call is nearly the same each time.
        self.threads = 1 if size == 1 else 4
        self.make_tree()

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)

    # The tree

    def make_tree(self):
        """Some of everything, at a time so long ago that stat caches remember it at once."""
        noise = random.Random(5)
        files = {
            "notes.txt": b"first\n" * 100,
            "empty": b"",
            "sub/more.bin": noise.randbytes(3000),
            "sub/deep/x": b"x",
            "big": noise.randbytes(40_000),
        }
        for number in range(self.size - 1):
            files[f"many/{number % 17}/{number}"] = noise.randbytes(number * 7)
        if self.size >= HUGE_SIZE:
            files["huge"] = noise.randbytes(12 << 20)
        for name, content in files.items():
            self.write(name, content)
        (self.tree / "link").symlink_to("notes.txt")

    def write(self, name, content):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def settle(self):
        """Waits until stat caches may remember the tree: nothing that changed in the last two seconds is."""
        time.sleep(max(0, self.tree.stat().st_ctime + 2.1 - time.time()))

    def change_tree(self):
        """Something new beside what is known."""
        self.write("notes.txt", b"second\n" * 100)
        self.write("new/one", b"one" * 500)
        self.write("new/two", b"two" * 700)
        for number in range(self.size - 1):
            self.write(f"new/{number % 5}/{number}", b"%d" % number * 50)

    # Copies

    def keep(self):
        """Makes what is in the work folder the template."""
        shutil.rmtree(self.template, ignore_errors=True)
        self.work.rename(self.template)

    def reset(self):
        command = 'rm -rf "$2" && cp -a "$1" "$2"'
        subprocess.run(["sh", "-c", command, "reset", self.template, self.work], check=True)

    def write_state(self, state):
        """Makes the work folder what a crash left: {path: content, or None for a folder}."""
        shutil.rmtree(self.work, ignore_errors=True)
        for path in sorted(state):
            if state[path] is None:
                os.mkdir(path, 0o700)
            else:
                with open(path, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                    file.write(state[path])

    def lose(self, name):
        """An object of the repository goes away."""
        (self.repo / name).unlink()

    # Commands

    @property
    def repo(self):
        return self.work / "repo"

    def command(self, *arguments, key="WriteOnly", place=None):
        place = place or ["-R", str(self.repo), "-K", str(self.work / f"{key}.key")]
        return [PROGRAM, arguments[0], *place, "-j", str(self.threads), *map(str, arguments[1:])]

    def run(self, *arguments, statuses=(0,), **options):
        command = self.command(*arguments, **options)
        result = faults.finished(command, self.environment)
        text = result.stderr.decode("utf-8", "replace")
        expect(result.returncode in statuses, f"{' '.join(command)}: status {result.returncode}: {text}")
        return result

    def make_keys(self):
        self.run("init", "-g", key="Master")
        for name in keys.TYPE_NAMES[1:]:
            self.run("derive", "-t", name, "-O", self.work / f"{name}.key", key="Master")

    # Whether that needs all other processes to be gone.
    rests_alone = False

    def come_to_rest(self):
        """Returns when nothing that a killed process began is still under way."""

    # Judgement

    def has_repository(self):
        return (self.repo / "rekkord").exists()

    def reader(self):
        return Repository(self.repo, keys.load_key(self.work / "Master.key"))

    def tags(self, reader=None):
        return {tag.object_name for tag in (reader or self.reader()).tags()[0]}

    def expect_sound(self, reader=None, leftovers=LEFTOVERS):
        """Every object that is there is whole and what its name says, every tag leads to all it needs."""
        verification = Verification(reader or self.reader())
        verification.run()
        problems = [text for text in verification.problems if not text.endswith(leftovers)]
        expect(not problems, f"unsound: {problems[:5]}")

    def roots(self, channel="web", reader=None):
        """What the newest snapshot of a channel says the saved folder is: equal trees have equal roots."""
        reader = reader or self.reader()
        root, _ = snapshot_view(reader.snapshot(reader.resolve(channel)))
        node = root
        for part in os.fsencode(str(self.tree)).strip(b"/").split(b"/"):
            node = node.placed[part]
        return blobs.object_id("M", node.entry.hash)

    def entries(self, channel="web"):
        """What the newest snapshot of a channel says of each place: {path: all that is stored, but what folders hold}."""
        reader = self.reader()
        root, _ = snapshot_view(reader.snapshot(reader.resolve(channel)))
        nodes = ((path, node.entry) for path, node in walk(reader, root) if node.entry)
        return {
            os.fsdecode(path): replace(entry, name=b"", hash=b"", size=0) if entry.kind == KIND_DIRECTORY else replace(entry, name=b"")
            for path, entry in nodes
        }

    def expect_equal_tree(self, channel="web", below="/", **options):
        reader = self.reader()
        comparison = Comparison(reader, Options(**options))
        comparison.run(reader.resolve(channel), below)
        expect(not comparison.differences, f"differences: {comparison.differences[:5]}")
