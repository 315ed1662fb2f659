"""Makes the files that are saved: real ones, which differ from machine to machine, so compare only figures of one run."""

import contextlib
import os
import shutil

from measure import MEGABYTE

BINARIES = ["/usr/bin", "/usr/lib"]
SMALL_FILES = ["/usr/share/man", "/usr/include", "/usr/share"]


def regular_files(folders):
    """The regular files below some folders, in a fixed order, as (path, size)."""
    for top in folders:
        for folder, folders_below, names in os.walk(top):
            folders_below.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    if os.path.isfile(path) and not os.path.islink(path):
                        yield path, os.path.getsize(path)


def join_files(target, folders, byte_count, most_per_file=64 * MEGABYTE):
    """Joins real files, an equal share from each folder, up to a size."""
    with open(target, "wb") as output:
        for folder in folders:
            share = byte_count // len(folders)
            for path, _ in regular_files([folder]):
                with contextlib.suppress(OSError), open(path, "rb") as file:
                    output.write(piece := file.read(min(share, most_per_file)))
                    share -= len(piece)
                if share <= 0:
                    break
    return os.path.getsize(target)


def copy_small_files(target, folders, count):
    """Copies small files with their folders; returns how many."""
    copied = 0
    for path, size in regular_files(folders):
        if size > 256 * 1024:
            continue
        place = target + path
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with contextlib.suppress(OSError):
            shutil.copy2(path, place)
            copied += 1
        if copied == count:
            break
    return copied


def read_all(folder):
    """Brings the files of a folder into the page cache."""
    for path, _ in regular_files([folder]):
        with open(path, "rb", buffering=0) as file:
            while file.read(MEGABYTE):
                pass


def tree_size(folder):
    """The bytes that the files of a folder take."""
    return sum(os.lstat(os.path.join(place, name)).st_size
               for place, _, names in os.walk(folder) for name in names)
