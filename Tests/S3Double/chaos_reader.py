"""One reader of test_chaos: does something once on a mount, and compares with the tree that was saved.

usage: chaos_reader.py SOURCE SEEN MOUNT-POINT TARGET SEED
"""

import errno
import hashlib
import os
import random
import subprocess
import sys
import traceback

# What may happen: the storage failed, or the mount went away.
FAILED = (errno.EIO,)
GONE = (errno.ENOTCONN, errno.ECONNABORTED, errno.ENODEV)


class Reader:
    """Raises an error for what it must not see."""

    def __init__(self, source, seen, point, target, chance):
        self.source, self.seen, self.point, self.target, self.chance = source, seen, point, target, chance
        self.names = []
        for folder, _, files in os.walk(source):
            self.names += [os.path.relpath(os.path.join(folder, name), source) for name in files]

    def run(self):
        action = self.chance.choice((self.copy, self.find, self.read, self.read_at_random, self.stat))
        try:
            action()
        except OSError as error:
            self.check(error.errno)

    def check(self, number):
        """An error is one of the storage; or the mount is gone, and with it every name."""
        if number in FAILED or number in GONE:
            return
        if number == errno.ENOENT and not os.path.ismount(self.point):
            return
        raise AssertionError(f"a reader sees {errno.errorcode[number]}")

    def copy(self):
        """cp leaves nothing that differs: a file is whole, or it ends where cp told of an error."""
        os.mkdir(self.target)
        folder = self.chance.choice([".", *map(str, range(20))])
        result = subprocess.run(
            ["cp", "-a", os.path.join(self.seen, folder), os.path.join(self.target, "to")], capture_output=True
        )
        for name in self.names:
            if folder != "." and not name.startswith(folder + "/"):
                continue
            copied = os.path.join(self.target, "to", os.path.relpath(name, folder))
            if not os.path.exists(copied):
                if result.returncode == 0:
                    raise AssertionError(f"{name} is not copied, and cp did not say so")
                continue
            original, copy = whole(os.path.join(self.source, name)), whole(copied)
            if copy != original and (result.returncode == 0 or not original.startswith(copy)):
                raise AssertionError(f"{name}: {len(copy)} bytes that are not the ones of {len(original)}")

    def find(self):
        command = ["find", self.seen, "-type", "f", "-printf", "%P %s\\n"]
        result = subprocess.run(command, capture_output=True, text=True)
        found = set(result.stdout.splitlines())
        saved = {f"{name} {os.path.getsize(os.path.join(self.source, name))}" for name in self.names}
        if found - saved or (found != saved and result.returncode == 0):
            raise AssertionError(f"find sees {found ^ saved}")

    def read(self):
        for name in self.chance.sample(self.names, 20):
            seen, saved = whole(os.path.join(self.seen, name)), whole(os.path.join(self.source, name))
            if seen != saved:
                raise AssertionError(f"{name}: {digest(seen)} in place of {digest(saved)}")

    def read_at_random(self):
        with open(os.path.join(self.source, "large"), "rb") as file:
            saved = file.read()
        descriptor = os.open(os.path.join(self.seen, "large"), os.O_RDONLY)
        try:
            for _ in range(100):
                start, count = self.chance.randrange(len(saved)), self.chance.choice((1, 4096, 300_000))
                # What was there before an error is given alone; then the rest fails, or comes after all.
                end = min(start + count, len(saved))
                while start < end:
                    seen = os.pread(descriptor, end - start, start)
                    if not seen or seen != saved[start : start + len(seen)]:
                        raise AssertionError(f"{len(seen)} wrong bytes at {start} of {end}")
                    start += len(seen)
        finally:
            os.close(descriptor)

    def stat(self):
        for name in self.chance.sample(self.names, 100):
            if os.path.getsize(os.path.join(self.seen, name)) != os.path.getsize(os.path.join(self.source, name)):
                raise AssertionError(f"{name} has another size")


def whole(path):
    with open(path, "rb") as file:
        return file.read()


def digest(data):
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:12]}"


def main(source, seen, point, target, seed):
    try:
        Reader(source, seen, point, target, random.Random(int(seed))).run()
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
