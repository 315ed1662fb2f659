"""Restores a snapshot into an empty folder."""

import os

from . import live, tree
from .primitives import FormatError
from .repository import snapshot_view


class Extraction:
    def __init__(self, repository, owner, attributes):
        self.repository = repository
        self.owner = owner
        self.attributes = attributes
        self.problems = []
        self.counts = {"files": 0, "directories": 0, "links": 0}

    def run(self, digest, destination):
        root, faults = snapshot_view(self.repository.snapshot(digest))
        self.problems += faults
        os.makedirs(destination, exist_ok=True)
        descriptor = os.open(destination, live.FOLDER_FLAGS)
        # One frame per open folder: its descriptor, what is left to do in it, and how it is finished.
        frames = [(descriptor, self._pending(root, b""), None)]
        while frames:
            folder, pending, finish = frames[-1]
            if not pending:
                frames.pop()
                os.close(folder)
                if finish is not None:
                    self._finish(frames[-1][0], *finish)
                continue
            path, name, node = pending.pop()
            entry = node.entry
            if entry is None or entry.kind == tree.KIND_DIRECTORY:
                os.mkdir(name, 0o700, dir_fd=folder)
                self.counts["directories"] += 1
                frames.append((live.open_folder(folder, name), self._pending(node, path), (name, entry)))
            else:
                self._store(folder, path, name, entry)

    def _pending(self, node, path):
        if node.entry is not None and not node.entry.is_readable and not node.placed:
            self.problems.append(f"{os.fsdecode(path)}: was not readable when it was saved")
        try:
            children, faults = node.children(self.repository)
        except FormatError as error:
            self.problems.append(f"{os.fsdecode(path)}: {error}")
            return []
        self.problems += [f"{os.fsdecode(path)}: {fault}" for fault in faults]
        prefix = path + b"/" if path else b""
        return [(prefix + name, name, children[name]) for name in sorted(children, reverse=True)]

    def _store(self, folder, path, name, entry):
        if entry.kind == tree.KIND_UNKNOWN:
            return
        try:
            if not entry.is_readable:
                raise FormatError("was not readable when it was saved")
            if entry.kind == tree.KIND_LINK:
                os.symlink(self.repository.link_target(entry.hash), name, dir_fd=folder)
                self.counts["links"] += 1
            else:
                self._write(folder, name, entry)
                self.counts["files"] += 1
        except FormatError as error:
            self.problems.append(f"{os.fsdecode(path)}: {error}")
            return
        self._finish(folder, name, entry)

    def _write(self, folder, name, entry):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        with open(descriptor, "wb") as file:
            size = 0
            for piece in self.repository.file_pieces(entry.hash):
                size += len(piece)
                if piece.count(0) == len(piece):
                    file.seek(len(piece), os.SEEK_CUR)
                else:
                    file.write(piece)
            file.truncate(size)

    def _finish(self, folder, name, entry):
        if entry is None:
            os.chmod(name, 0o755, dir_fd=folder)
            return
        if not entry.is_stated:
            return
        if self.owner:
            os.chown(name, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False)
        if entry.kind != tree.KIND_LINK:
            os.chmod(name, entry.permissions, dir_fd=folder)
        if self.attributes:
            path = live.attributes_path(folder, name)
            for key, value in tree.live_attributes(entry).items():
                os.setxattr(path, key, value, follow_symlinks=False)
        accessed = entry.atime if entry.flags & tree.ACCESS_TIME else entry.mtime
        times = (accessed * 1_000_000, entry.mtime * 1_000_000)
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)
