"""Compares a snapshot with a live tree: the saved folder itself, or a mount of the snapshot."""

import errno
import os
import stat
import time
from dataclasses import dataclass

from . import blobs, live, tree
from .primitives import FormatError
from .repository import snapshot_view

KINDS = {
    tree.KIND_DIRECTORY: "directory",
    tree.KIND_FILE: "file",
    tree.KIND_LINK: "link",
    tree.KIND_UNKNOWN: "special",
}
MOUNT_BLOCK_SIZE = 131072
OBJECT_ATTRIBUTE = "user.rekkord.oid"


@dataclass
class Options:
    """What is compared beside kinds, names, modes, sizes, link targets and modification times."""

    mount: bool = False
    restored: bool = False
    attributes: bool = False
    ctime: bool = False
    atime: bool = False
    content: bool = True
    owner: bool = True


class Comparison:
    def __init__(self, repository, options):
        self.repository = repository
        self.options = options
        self.differences = []
        self.counts = {
            "directory": 0,
            "file": 0,
            "link": 0,
            "special": 0,
            "not stored": 0,
            "hidden": 0,
            "bytes": 0,
        }

    def run(self, digest, folder_path):
        """Compares the whole view of a snapshot with what lies below `folder_path`."""
        root, faults = snapshot_view(self.repository.snapshot(digest))
        self.counts["hidden"] += len(faults)
        # The parents of a saved folder hold other things too when they are the real ones.
        self._walk(root, os.open(folder_path, live.FOLDER_FLAGS))

    def run_root(self, digest, name, folder_path):
        """Compares one root entry of a snapshot with the folder that stands for it."""
        snapshot = self.repository.snapshot(digest)
        root, _ = snapshot_view(snapshot)
        node = root
        for part in name.split(b"/"):
            children, _ = node.children(self.repository)
            if part not in children:
                raise FormatError(f"snapshot has no root {name!r}")
            node = children[part]
        parent, last = os.path.split(os.path.realpath(folder_path))
        descriptor = os.open(parent, live.FOLDER_FLAGS)
        try:
            if self._compare_one(b".", node, descriptor, last):
                self._walk(node, live.open_folder(descriptor, last), b".")
        finally:
            os.close(descriptor)

    def _differ(self, path, text):
        self.differences.append(f"{os.fsdecode(path)!r}: {text}")

    def _check(self, path, what, stored, found):
        if stored != found:
            self._differ(path, f"{what}: snapshot {stored}, source {found}")

    def _walk(self, node, descriptor, prefix=b""):
        frames = [(descriptor, self._pairs(prefix, node, descriptor))]
        while frames:
            folder, pending = frames[-1]
            if not pending:
                frames.pop()
                os.close(folder)
                continue
            path, name, child = pending.pop()
            if self._compare_one(path, child, folder, name):
                self._enter(frames, path, name, child)

    def _enter(self, frames, path, name, node):
        folder = frames[-1][0]
        try:
            node.children(self.repository)
        except FormatError as error:
            self._expect_error(path, f"damaged folder ({error})", lambda: self._read_folder(folder, name))
            return
        try:
            descriptor = live.open_folder(folder, name)
        except OSError as error:
            self._differ(path, f"cannot be opened: {error.strerror}")
            return
        frames.append((descriptor, self._pairs(path, node, descriptor)))

    def _pairs(self, path, node, descriptor):
        """The places to compare in one folder; differences of the listing are noted."""
        children, faults = node.children(self.repository)
        self.counts["hidden"] += len(faults)
        try:
            found = {os.fsencode(name) for name in os.listdir(descriptor)}
        except OSError as error:
            self._differ(path, f"cannot be listed: {error.strerror}")
            return []
        expected = {name for name, child in children.items() if not self._is_hidden(child)}
        for name in sorted(expected - found):
            self._differ(path, f"{os.fsdecode(name)!r} is in the snapshot only")
        implied = node.entry is None and not self.options.mount
        for name in sorted(found - expected) if not implied else ():
            self._differ(path, f"{os.fsdecode(name)!r} is in the source only")
        # What was put into a saved folder from another saved path is not in its entry.
        if self.options.mount and node.entry is not None and not node.placed:
            self._check_folder_links(path, children, descriptor)
        elif not self.options.mount and node.entry is not None:
            folders = sum(stat.S_ISDIR(live.status(descriptor, name).st_mode) for name in found)
            self._check(path, "number of folders", node.entry.size, folders)
        prefix = path + b"/" if path else b""
        return [(prefix + name, name, children[name]) for name in sorted(expected & found, reverse=True)]

    def _is_hidden(self, node):
        if not (self.options.mount or self.options.restored) or node.entry is None:
            return False
        if self.options.restored and not node.entry.is_stated:
            return True
        hidden = node.entry.kind == tree.KIND_UNKNOWN and node.entry.is_stated and not node.placed
        self.counts["special"] += hidden
        return hidden

    def _check_folder_links(self, path, children, descriptor):
        folders = sum(_shows_folder(child) for child in children.values())
        self._check(path, "link count", 2 + folders, os.fstat(descriptor).st_nlink)

    def _compare_one(self, path, node, folder, name):
        """Compares one place; returns whether its children are to be compared."""
        found = live.status(folder, name)
        kind = live.kind_letter(found.st_mode)
        entry = node.entry
        if entry is None:
            self._check(path, "kind", "directory", kind)
            return kind == "directory"
        if not entry.is_stated and not entry.is_readable:
            return self._compare_never_stated(path, found, kind, folder, name)
        self._check(path, "kind", KINDS[entry.kind], kind)
        if KINDS[entry.kind] != kind:
            return False
        self.counts[kind] += 1
        if entry.is_stated:
            self._compare_status(path, entry, found)
        if self.options.attributes:
            self._compare_attributes(path, entry, folder, name)
        if kind == "special":
            return False
        if not entry.is_readable and not node.placed:
            self._compare_not_stored(path, entry, found, folder, name)
            return False
        try:
            if kind == "file":
                self._compare_file(path, entry, found, folder, name)
            elif kind == "link":
                target = self.repository.link_target(entry.hash)
                self._check(path, "target", target, os.readlink(name, dir_fd=folder))
                if self.options.mount:
                    self._check(path, "link size", len(target), found.st_size)
        except FormatError as error:
            read = self._read_link if kind == "link" else self._read_file
            self._expect_error(path, str(error), lambda: read(folder, name))
        if self.options.mount and entry.is_readable:
            oid = blobs.object_id(entry.catalog, entry.hash).encode()
            self._check(path, OBJECT_ATTRIBUTE, oid, self._object_attribute(folder, name, kind, oid))
        return kind == "directory"

    def _object_attribute(self, folder, name, kind, expected):
        if kind == "link":
            return expected
        try:
            return os.getxattr(live.attributes_path(folder, name), OBJECT_ATTRIBUTE, follow_symlinks=False)
        except OSError as error:
            return error.strerror

    def _compare_status(self, path, entry, found):
        if entry.kind != tree.KIND_LINK:
            expected = self._shown_mode(entry)
            self._check(path, "mode", f"{expected:04o}", f"{found.st_mode & 0o7777:04o}")
        if self.options.owner:
            self._check(path, "owner", (entry.uid, entry.gid), (found.st_uid, found.st_gid))
        if self.options.mount:
            accessed = entry.atime if entry.flags & tree.ACCESS_TIME else entry.mtime
            self._check(path, "mtime", entry.mtime * 1_000_000, found.st_mtime_ns)
            self._check(path, "ctime", entry.ctime * 1_000_000, found.st_ctime_ns)
            self._check(path, "atime", accessed * 1_000_000, found.st_atime_ns)
            self._check(path, "block size", MOUNT_BLOCK_SIZE, found.st_blksize)
            return
        self._check(path, "mtime", entry.mtime, live.milliseconds(found.st_mtime_ns))
        if self.options.ctime:
            self._check(path, "ctime", entry.ctime, live.milliseconds(found.st_ctime_ns))
        if self.options.atime and entry.flags & tree.ACCESS_TIME:
            self._check(path, "atime", entry.atime, live.milliseconds(found.st_atime_ns))

    def _shown_mode(self, entry):
        """A mount shows group entry AND mask of a stored access control list as the group bits."""
        if self.options.restored and not self.options.owner:
            return entry.permissions & 0o1777
        if not self.options.mount:
            return entry.permissions
        permissions = {}
        try:
            for key, value in tree.decode_extended(entry.extended):
                if key == b"rk.acl1":
                    rows = (line.split(":") for line in value.decode().splitlines())
                    permissions = {row[0]: row[2] for row in rows if row[1] == ""}
        except (FormatError, UnicodeDecodeError, IndexError):
            return entry.permissions
        if "mask" not in permissions or "group" not in permissions:
            return entry.permissions
        bits = sum(
            bit
            for bit, mine, masked in zip((4, 2, 1), permissions["group"], permissions["mask"])
            if mine != "-" and masked != "-"
        )
        return entry.permissions & ~0o070 | bits << 3

    def _compare_attributes(self, path, entry, folder, name):
        try:
            expected = tree.live_attributes(entry)
        except FormatError:
            return
        found = live.attributes(folder, name)
        for key in sorted(expected.keys() | found.keys()):
            self._check(path, f"attribute {os.fsdecode(key)}", expected.get(key), found.get(key))

    def _compare_never_stated(self, path, found, kind, folder, name):
        self.counts["not stored"] += 1
        if self.options.mount:
            self._check(path, "kind of a place that was never examined", "file", kind)
            self._check(path, "mode", 0, found.st_mode & 0o7777)
            self._check(path, "size", 1, found.st_size)
            self._expect_error(path, "never examined", lambda: self._read_file(folder, name))
        return False

    def _compare_not_stored(self, path, entry, found, folder, name):
        self.counts["not stored"] += 1
        if not self.options.mount:
            return
        if entry.kind == tree.KIND_FILE:
            self._check(path, "size at least 1", True, found.st_size >= 1)
            self._expect_error(path, "not stored", lambda: self._read_file(folder, name))
        elif entry.kind == tree.KIND_LINK:
            self._expect_error(path, "not stored", lambda: self._read_link(folder, name))
        else:
            self._expect_error(path, "not stored", lambda: self._read_folder(folder, name))

    def _compare_file(self, path, entry, found, folder, name):
        _, size = self.repository.file_chunks(entry.hash)
        if not self.options.mount:
            self._check(path, "size", size, found.st_size)
            self._check(path, "size in the entry", entry.size, found.st_size)
        if not self.options.content:
            return
        with live.opened_file(folder, name) as descriptor:
            position = 0
            for piece in self.repository.file_pieces(entry.hash):
                other = _read_exactly(descriptor, len(piece))
                if other != piece:
                    self._differ(path, f"content differs at {position + _first_difference(piece, other)}")
                    return
                position += len(piece)
            if os.read(descriptor, 1):
                self._differ(path, f"source goes on after {position} bytes")
            if self.options.mount:
                opened = os.fstat(descriptor)
                self._check(path, "size once opened", size, opened.st_size)
                self._check(path, "blocks", (size + 511) // 512, _blocks_at_rest(descriptor, size))
            self.counts["bytes"] += position

    def _read_file(self, folder, name):
        with live.opened_file(folder, name) as descriptor:
            while os.read(descriptor, live.READ_SIZE):
                pass

    def _read_link(self, folder, name):
        os.readlink(name, dir_fd=folder)

    def _read_folder(self, folder, name):
        descriptor = live.open_folder(folder, name)
        try:
            os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def _expect_error(self, path, reason, action):
        if not self.options.mount:
            self._differ(path, reason)
            return
        try:
            action()
        except OSError as error:
            self._check(path, f"error ({reason})", "EIO", errno.errorcode.get(error.errno))
        else:
            self._differ(path, f"readable although: {reason}")


def _shows_folder(node):
    if node.entry is None:
        return True
    return node.entry.kind == tree.KIND_DIRECTORY and (node.entry.is_stated or node.entry.is_readable)


def _blocks_at_rest(descriptor, size):
    """The blocks of an open file; a size that reading corrected is followed by them a moment later."""
    deadline = time.monotonic() + 1
    while True:
        blocks = os.fstat(descriptor).st_blocks
        if blocks == (size + 511) // 512 or time.monotonic() > deadline:
            return blocks
        time.sleep(0.001)


def _read_exactly(descriptor, count):
    parts = []
    while count > 0:
        part = os.read(descriptor, count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _first_difference(left, right):
    for index, (a, b) in enumerate(zip(left, right)):
        if a != b:
            return index
    return min(len(left), len(right))
