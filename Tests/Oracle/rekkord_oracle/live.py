"""Access to a live tree through folder descriptors, so that no path is ever too long."""

import errno
import os
import resource
import stat
from contextlib import contextmanager

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
READ_SIZE = 1 << 20


def allow_deep_trees():
    """One descriptor is open per level; takes as many as the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def status(folder, name):
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def open_folder(folder, name):
    return os.open(name, FOLDER_FLAGS, dir_fd=folder)


@contextmanager
def opened_file(folder, name):
    descriptor = os.open(name, FILE_FLAGS, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def attributes_path(folder, name):
    """A short path to a place below an open folder, for system calls without an `at` form."""
    return b"/proc/self/fd/%d/%s" % (folder, name)


def attributes(folder, name):
    """All extended attributes of one place, never following a link."""
    path = attributes_path(folder, name)
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENODATA):
            return {}
        raise
    return {os.fsencode(key): os.getxattr(path, key, follow_symlinks=False) for key in names}


def kind_letter(mode):
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return "link"
    return "special"


def milliseconds(nanoseconds):
    return nanoseconds // 1_000_000


def remove_tree(path):
    """Removes a folder whatever modes are in it, however deep it is, without recursion."""
    frames = [(os.open(path, FOLDER_FLAGS), path, None)]
    while frames:
        folder, name, pending = frames[-1]
        if pending is None:
            pending = os.listdir(folder)
            frames[-1] = (folder, name, pending)
        if not pending:
            os.close(folder)
            frames.pop()
            os.rmdir(name, dir_fd=frames[-1][0] if frames else None)
            continue
        entry = pending.pop()
        try:
            os.unlink(entry, dir_fd=folder)
        except (IsADirectoryError, PermissionError):
            os.chmod(entry, 0o700, dir_fd=folder)
            frames.append((open_folder(folder, entry), entry, None))
