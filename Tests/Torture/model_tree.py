"""Trees on a disk: what is in them, and changes by name that never fail, so that any of them may be left out."""

import errno
import hashlib
import os
import random
import shutil
import stat
from dataclasses import dataclass

from rekkord_oracle import live

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Row:
    """One entry: `detail` is the digest of a file or the target of a link, `mode` None for links."""

    kind: str
    mode: int | None
    uid: int
    gid: int
    mtime: int  # in milliseconds
    size: int
    detail: str
    attributes: tuple

    def without(self, **fields):
        return Row(**(self.__dict__ | fields))


class Observer:
    """Reads trees, and remembers the contents that it met by their digests."""

    def __init__(self):
        self.contents = {}

    def digest(self, content):
        digest = hashlib.sha256(content).hexdigest()
        self.contents[digest] = content
        return digest

    def observe(self, top):
        """{path below `top`: Row}, with `top` itself as ""."""
        rows = {}
        waiting = [""]
        while waiting:
            below = waiting.pop()
            path = os.path.join(top, below) if below else top
            rows[below] = row = self.row(path)
            if row.kind == "directory":
                waiting += [os.path.join(below, name) for name in os.listdir(path)]
        return rows

    def row(self, path):
        status = os.lstat(path)
        kind, size, detail = live.kind_letter(status.st_mode), 0, ""
        if kind == "file":
            with open(path, "rb") as file:
                content = file.read()
            size, detail = len(content), self.digest(content)
        elif kind == "link":
            detail = os.readlink(path)
        mode = None if kind == "link" else stat.S_IMODE(status.st_mode)
        milliseconds = live.milliseconds(status.st_mtime_ns)
        return Row(kind, mode, status.st_uid, status.st_gid, milliseconds, size, detail, attributes(path))


def attributes(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return tuple(sorted((name, os.getxattr(path, name, follow_symlinks=False)) for name in names))
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENODATA):
            return ()
        raise


def content(seed, size):
    """Some bytes: noise, text or holes; the same for the same seed, whoever asks, so that machines share them."""
    noise = random.Random(seed)
    kind = seed % 4
    if kind == 0:
        return (b"line %d of a text\n" % seed * (size // 10 + 1))[:size]
    if kind == 1:
        return bytes(size)
    return noise.randbytes(size)


class Tree:
    """A folder that changes; each method but `apply` is one kind of change, with the fields of a step as parameters."""

    def __init__(self, top):
        self.top = top

    def path(self, below):
        return os.path.join(self.top, below)

    def apply(self, step):
        """Makes the change; whether it could be made, which it cannot where names are missing or taken."""
        what, fields = step["change"], {name: value for name, value in step.items() if name not in ("do", "change", "machine", "n")}
        try:
            getattr(self, what)(**fields)
        except OSError:
            return False
        return True

    def make_room(self, path):
        """Folders that lead to a path."""
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)

    def write(self, path, seed, size):
        self.make_room(path)
        with open(self.path(path), "wb", opener=without_links) as file:
            file.write(content(seed, size))

    def append(self, path, seed, size):
        with open(self.path(path), "ab", opener=without_links) as file:
            file.write(content(seed, size))

    def truncate(self, path, size):
        with open(self.path(path), "r+b", opener=without_links) as file:
            file.truncate(size)

    def sneak(self, path, start, seed, size):
        """Other bytes in place, of equal size and modification time: only the time of the change tells."""
        before = os.lstat(self.path(path))
        with open(self.path(path), "r+b", opener=without_links) as file:
            length = os.fstat(file.fileno()).st_size
            position = start % max(1, length)
            file.seek(position)
            file.write(content(seed, size)[: length - position])
        os.utime(self.path(path), ns=(before.st_atime_ns, before.st_mtime_ns))

    def replace(self, path, seed):
        """Another file of equal size, mode and time under this name."""
        before = os.lstat(self.path(path))
        if not stat.S_ISREG(before.st_mode):
            raise FileNotFoundError(path)
        beside = self.path(path + ".new")
        with open(beside, "xb") as file:
            file.write(content(seed, before.st_size))
        os.chmod(beside, stat.S_IMODE(before.st_mode))
        os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.rename(beside, self.path(path))

    def remove(self, path):
        if os.path.isdir(self.path(path)) and not os.path.islink(self.path(path)):
            shutil.rmtree(self.path(path))
        else:
            os.unlink(self.path(path))

    def rename(self, path, to):
        self.make_room(to)
        os.rename(self.path(path), self.path(to))

    def swap(self, path, to):
        """Two entries change names: all is there, in another place."""
        for one, other in ((path, to), (to, path)):
            if not os.path.lexists(self.path(one)) or other.startswith(one + "/"):
                raise FileNotFoundError(one)
        beside = self.path(path + ".swap")
        os.rename(self.path(path), beside)
        os.rename(self.path(to), self.path(path))
        os.rename(beside, self.path(to))

    def mkdir(self, path):
        os.makedirs(self.path(path))

    def symlink(self, path, target):
        self.make_room(path)
        os.symlink(target, self.path(path))

    def link(self, path, to):
        self.make_room(to)
        os.link(self.path(path), self.path(to), follow_symlinks=False)

    def fifo(self, path):
        self.make_room(path)
        os.mkfifo(self.path(path))

    def chmod(self, path, mode):
        """Who owns it may always read and enter: what is unreadable has tests of its own."""
        if os.path.islink(self.path(path)):
            raise FileNotFoundError(path)
        os.chmod(self.path(path), mode | (0o700 if os.path.isdir(self.path(path)) else 0o600))

    def chown(self, path, uid, gid):
        os.chown(self.path(path), uid, gid, follow_symlinks=False)

    def touch(self, path, milliseconds):
        moment = milliseconds * 1_000_000 + 654_321
        os.utime(self.path(path), ns=(moment, moment), follow_symlinks=False)

    def attribute(self, path, name, value):
        """Sets an attribute, or with None removes it."""
        if value is None:
            os.removexattr(self.path(path), name, follow_symlinks=False)
        else:
            os.setxattr(self.path(path), name, value.encode(), follow_symlinks=False)


def without_links(path, flags):
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
