"""Random operations of several processes on a mount, each compared with the same on the tree that was saved.

    REKKORD_MODEL_SEED     of the first round; default 1
    REKKORD_MODEL_ROUNDS   default 2
    REKKORD_MODEL_STEPS    operations of each process, default 400
"""

import ctypes
import errno
import mmap
import os
import random
import stat
import subprocess
import sys
import traceback
import unittest

from program import SandboxCase

SEED = int(os.environ.get("REKKORD_MODEL_SEED", 1))
ROUNDS = int(os.environ.get("REKKORD_MODEL_ROUNDS", 2))
STEPS = int(os.environ.get("REKKORD_MODEL_STEPS", 400))
PROCESSES = 4
NAMES = (b"a", b"b", b"-x", b"two words", b"\xff\xfe", "ünï".encode(), b"new\nline", b"n" * 255)
SIZES = (0, 1, 4095, 4096, 4097, 131_072, 131_073, 700_000, 3_000_001)


class ModelTests(SandboxCase):
    """What a mount shows is what a disk with the same tree shows, whatever is asked in whatever order."""

    def test_random_operations(self):
        self.make_repository()
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(seed=seed):
                source = os.fsencode(self.path(f"tree-{seed}"))
                make_tree(random.Random(seed), source)
                self.save(f"c{seed}", source, options=("-m", "XAttrs"))
                # Little memory, so that much is evicted and loaded again.
                with self.mounted(f"c{seed}", options=("--cache-size", "4M")) as mount:
                    self.compare(seed, source, os.fsencode(mount.point) + source)

    def compare(self, seed, source, seen):
        processes = [
            subprocess.Popen(
                [sys.executable, "-B", __file__, source, seen, f"{seed}-{number}", str(STEPS)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for number in range(PROCESSES)
        ]
        outputs = [process.communicate(timeout=600)[0].decode() for process in processes]
        for process, output in zip(processes, outputs):
            self.assertEqual(process.returncode, 0, f"seed {seed}: {output}")
            self.assertIn(f"{STEPS} operations", output)


def make_tree(chance, root):
    os.mkdir(root)
    folders = [root]
    for _ in range(12):
        parent = chance.choice(folders)
        folder = parent + b"/" + chance.choice(NAMES)
        if not os.path.lexists(folder) and folder.count(b"/") < root.count(b"/") + 5:
            os.mkdir(folder)
            folders.append(folder)
    for folder in folders:
        for number in range(chance.randrange(14)):
            path = folder + b"/%s%d" % (chance.choice(NAMES)[:250], number)
            if chance.random() < 0.15:
                os.symlink(chance.choice([b".", b"a", b"/nowhere", b"x" * 4000]), path)
                continue
            with open(path, "wb") as file:
                size = chance.choice(SIZES)
                # Pieces that repeat, so that chunks are shared.
                file.write(random.Random(size % 7).randbytes(size))
            mode = chance.choice((0o644, 0o600, 0o4755, 0o1777))
            if chance.random() < 0.3:
                set_attributes(chance, path)
            os.chmod(path, mode)
            os.utime(path, ns=(0, chance.randrange(-(10**9), 4 * 10**9) * 10**9 + chance.randrange(1000) * 10**6))


def set_attributes(chance, path):
    for number in range(chance.randrange(1, 4)):
        try:
            os.setxattr(path, f"user.n{number}", chance.randbytes(chance.randrange(300)))
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise


class Model:
    """One process: random operations on both trees, with the same outcome."""

    def __init__(self, source, seen, seed):
        self.trees = (source, seen)
        self.chance = random.Random(seed)
        self.opened = []
        self.paths = [b""]
        for folder, folders, files in os.walk(source):
            inner = folder[len(source) :]
            self.paths += [inner + b"/" + name for name in folders + files]

    def step(self):
        operation = self.chance.choice(
            (self.open, self.read, self.read, self.map, self.close, self.stat, self.list, self.attributes, self.link,
             self.missing)
        )  # fmt: skip
        operation()

    def both(self, action, path=None):
        """What an action gives on both trees, which must be the same; an error counts as its number."""
        path = self.chance.choice(self.paths) if path is None else path
        results = []
        for tree in self.trees:
            try:
                results.append(action(tree + path))
            except OSError as error:
                results.append(errno.errorcode[error.errno])
        if results[0] != results[1]:
            shown = [repr(result)[:300] for result in results]
            raise AssertionError(f"{path!r}: the disk gives {shown[0]}, the mount {shown[1]}")
        return results[0]

    def pair(self):
        return self.chance.choice(self.opened) if self.opened else None

    def open(self):
        if len(self.opened) == 8:
            self.close()
        descriptors = []

        def action(path):
            descriptors.append(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | self.chance_flag))
            return "opened"

        self.chance_flag = self.chance.choice((0, os.O_DIRECTORY, os.O_CLOEXEC))
        if self.both(action) != "opened":
            return
        if stat.S_ISREG(os.fstat(descriptors[0]).st_mode):
            self.opened.append(descriptors)
        else:
            for descriptor in descriptors:
                os.close(descriptor)

    def compare(self, results):
        if results[0] != results[1]:
            raise AssertionError(f"an open file: {len(results[0])} bytes on the disk, {len(results[1])} in the mount")

    def span(self, pair):
        size = os.fstat(pair[0]).st_size
        start = self.chance.choice((0, size // 2, max(0, size - 10), self.chance.randrange(size + 5000)))
        return size, start, self.chance.choice((1, 100, 4096, 65_537, 400_000))

    def read(self):
        if pair := self.pair():
            _, start, count = self.span(pair)
            self.compare([os.pread(descriptor, count, start) for descriptor in pair])
            if self.chance.random() < 0.2:
                os.posix_fadvise(pair[1], 0, 0, os.POSIX_FADV_DONTNEED)

    def map(self):
        if pair := self.pair():
            size, start, count = self.span(pair)
            if size == 0:
                return
            pieces = []
            for descriptor in pair:
                with mmap.mmap(descriptor, size, prot=mmap.PROT_READ, flags=self.sharing()) as mapped:
                    pieces.append(mapped[start : start + count])
            self.compare(pieces)

    def sharing(self):
        return mmap.MAP_PRIVATE if self.chance.random() < 0.5 else mmap.MAP_SHARED

    def close(self):
        if self.opened:
            pair = self.opened.pop(self.chance.randrange(len(self.opened)))
            sizes = [os.fstat(descriptor).st_size for descriptor in pair]
            for descriptor in pair:
                os.close(descriptor)
            if sizes[0] != sizes[1]:
                raise AssertionError(f"an open file has {sizes} bytes")

    def stat(self):
        def action(path):
            status = os.lstat(path)
            is_folder = stat.S_ISDIR(status.st_mode)
            size = None if is_folder else status.st_size
            return (status.st_mode, status.st_uid, status.st_gid, size, status.st_mtime_ns // 10**6, status.st_nlink)

        self.both(action)

    def list(self):
        if not isinstance(self.both(lambda path: sorted(os.listdir(path))), list):
            return
        path = next(p for p in self.chance.sample(self.paths, len(self.paths)) if os.path.isdir(self.trees[0] + p))
        names = seek_about(self.trees[1] + path, self.chance)
        if sorted(names) != sorted([b".", b"..", *os.listdir(self.trees[0] + path)]):
            raise AssertionError(f"{path!r}: listed as {names!r}")

    def attributes(self):
        names = self.both(lambda path: sorted(os.listxattr(path, follow_symlinks=False)))
        name = self.chance.choice(names) if isinstance(names, list) and names else "user.none"

        def action(path):
            if os.path.islink(path):
                return None  # what a disk says there depends on its kind
            return os.getxattr(path, name)

        self.both(action)

    def link(self):
        self.both(os.readlink)

    def missing(self):
        path = self.chance.choice(self.paths) + self.chance.choice((b"/none", b"/" + b"m" * 255, b"/.", b"/a/../none"))
        self.both(lambda path: stat.S_IFMT(os.stat(path).st_mode), path)


class Library:
    """Folder streams of the C library, which Python does not offer."""

    class Entry(ctypes.Structure):
        _fields_ = [
            ("ino", ctypes.c_uint64),
            ("off", ctypes.c_int64),
            ("length", ctypes.c_ushort),
            ("type", ctypes.c_ubyte),
            ("name", ctypes.c_char * 256),
        ]

    def __init__(self):
        self.c = ctypes.CDLL(None, use_errno=True)
        self.c.opendir.restype = ctypes.c_void_p
        self.c.readdir.restype = ctypes.POINTER(self.Entry)
        self.c.telldir.restype = ctypes.c_long


def seek_about(path, chance):
    """Lists a folder of a mount; goes back and forth in it, where it must find the same again; returns the names."""
    library = Library()
    stream = ctypes.c_void_p(library.c.opendir(path))
    if not stream:
        raise OSError(ctypes.get_errno(), "opendir")
    try:
        names, places = [], []
        while True:
            places.append(library.c.telldir(stream))
            entry = library.c.readdir(stream)
            if not entry:
                break
            names.append(entry.contents.name)
        for _ in range(5):
            start = chance.randrange(len(places))
            library.c.seekdir(stream, ctypes.c_long(places[start]))
            for expected in names[start : start + chance.randrange(1, 20)]:
                found = library.c.readdir(stream)
                if not found or found.contents.name != expected:
                    raise AssertionError(f"{path!r}: after seekdir not {expected!r}")
        return names
    finally:
        library.c.closedir(stream)


def main(source, seen, seed, steps):
    model = Model(os.fsencode(source), os.fsencode(seen), seed)
    for number in range(int(steps)):
        try:
            model.step()
        except Exception:
            print(f"operation {number} of process {seed}:")
            traceback.print_exc(file=sys.stdout)
            return 1
    print(f"{steps} operations")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 5 else unittest.main())
