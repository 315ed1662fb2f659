"""Damage, changes that are refused, and messages."""

import errno
import mmap
import os
import pathlib
import stat

from bench import ATTACKS, Failure, below, call, expect, expect_quiet, expect_soon, facts, item, read_text, run_oracle_tests


@item
def damage(bench):
    """Each kind of damage gives EIO exactly on the pages of its chunk, until the object is put back."""
    return run_oracle_tests("test_mount.DamageTests")


AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2


def write_through(path, flags):
    """Opens for writing and writes: without a message to the server, opening alone tells nothing."""
    descriptor = os.open(path, flags)
    try:
        os.write(descriptor, b"changed")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mutations(base):
    """All that changes a file system: {name: action}."""
    file, folder, link, new = (f"{base}/{name}" for name in ("file", "folder", "link", "new"))
    text = {name: os.fsencode(path) for name, path in (("file", file), ("folder", folder), ("new", new))}
    acl = b"\x02\0\0\0" + b"".join(bytes([tag, 0, 7, 0, 255, 255, 255, 255]) for tag in (1, 4, 32))
    return {
        "write": lambda: write_through(file, os.O_WRONLY),
        "append": lambda: write_through(file, os.O_RDWR | os.O_APPEND),
        "open with O_TRUNC": lambda: os.open(file, os.O_WRONLY | os.O_TRUNC),
        "create": lambda: os.open(new, os.O_WRONLY | os.O_CREAT),
        "create exclusively": lambda: os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
        "create and truncate": lambda: os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC),
        "truncate": lambda: os.truncate(file, 0),
        "grow": lambda: os.truncate(file, 100),
        "mkdir": lambda: os.mkdir(new),
        "mknod": lambda: os.mknod(new, stat.S_IFREG | 0o600),
        "mknod of a device": lambda: os.mknod(new, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
        "mkfifo": lambda: os.mkfifo(new),
        "symlink": lambda: os.symlink("x", new),
        "link": lambda: os.link(file, new),
        "rename": lambda: os.rename(file, new),
        "rename of a folder": lambda: os.rename(folder, new),
        "rename over": lambda: os.rename(file, link),
        "rename without replacing": lambda: call("renameat2", AT_FDCWD, text["file"], AT_FDCWD, text["new"],
                                                 RENAME_NOREPLACE),
        "exchange": lambda: call("renameat2", AT_FDCWD, text["file"], AT_FDCWD, text["folder"], RENAME_EXCHANGE),
        "unlink": lambda: os.unlink(file),
        "unlink of a link": lambda: os.unlink(link),
        "rmdir": lambda: os.rmdir(folder),
        "chmod": lambda: os.chmod(file, 0o600),
        "chmod of a folder": lambda: os.chmod(folder, 0o700),
        "chown": lambda: os.chown(file, 1, 1),
        "chown of a link": lambda: os.chown(link, 1, 1, follow_symlinks=False),
        "utime": lambda: os.utime(file, (0, 0)),
        "utime, now": lambda: os.utime(folder),
        "utime of a link": lambda: os.utime(link, (0, 0), follow_symlinks=False),
        "setxattr": lambda: os.setxattr(file, "user.a", b"b"),
        "setxattr of root": lambda: os.setxattr(file, "trusted.a", b"b"),
        "setxattr of a list": lambda: os.setxattr(file, "system.posix_acl_access", acl),
        "removexattr": lambda: os.removexattr(file, "user.kept"),
    }


@item
def read_only(bench):
    """Every change is refused with EROFS, also after root remounted the file system writable."""
    source = bench.work / "fixed"
    (source / "folder").mkdir(parents=True)
    (source / "file").write_text("x")
    (source / "link").symlink_to("file")
    os.setxattr(source / "file", "user.kept", b"yes")
    bench.save("fixed", source, options=("-m", "XAttrs"))
    refused = 0
    with bench.mounted("fixed") as (point, _):
        base = os.fsdecode(below(point, source))
        before = facts(base)
        for state in ("ro", "rw"):
            if state == "rw":
                # -i: by mount(8) itself, not by the helper for the type of the file system.
                expect_quiet("mount", "-i", "-o", "remount,rw", str(point))
            options = next(line.split()[3] for line in read_text("/proc/mounts").splitlines() if str(point) in line)
            expect(state in options.split(","), f"mounted {options} where {state} is tried")
            for name, change in mutations(base).items():
                try:
                    change()
                except OSError as error:
                    expect(error.errno == errno.EROFS, f"{name}, mounted {state}: {error}")
                    refused += 1
                else:
                    raise Failure(f"{name}, mounted {state}: succeeded")
        expect(facts(base) == before, "something changed")
        expect(pathlib.Path(base, "file").read_text() == "x", "the content changed")
        refused += expect_stored_content_comes_back(pathlib.Path(base, "file"), b"x")
    return f"{refused} changes refused"


def expect_stored_content_comes_back(path, content):
    """Stores through a shared mapping of a mount that is writable: it is refused, and nobody sees it for long."""
    descriptor = os.open(path, os.O_RDWR)
    with mmap.mmap(descriptor, len(content)) as mapped:
        mapped[:] = b"y" * len(content)
        try:
            mapped.flush()
        except OSError as error:
            expect(error.errno in (errno.EROFS, errno.EIO), f"msync: {error}")
        else:
            raise Failure("msync of a changed page succeeded")
        expect_soon(lambda: path.read_bytes() == content and mapped[:] == content, "a changed page stays")
    os.close(descriptor)
    return 1


@item
def attacks(bench):
    """Every attack of Tests/Attacks, those with deep trees and floods in full."""
    os.environ["ATTACK_SCALE"] = "1"
    try:
        return run_oracle_tests(folder=ATTACKS)
    finally:
        del os.environ["ATTACK_SCALE"]


@item
def messages(bench):
    """Keys without the right cannot mount (status 12); the message table, text and status."""
    return run_oracle_tests("test_messages")
