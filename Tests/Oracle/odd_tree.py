"""A source tree with everything that makes saving hard."""

import os
import random
import socket
import stat
import struct

from rekkord_oracle import live, tree

MEBIBYTE = 1 << 20
DEEP_LEVELS = 60
DEEP_NAME = b"d" * 100
NAMES = [
    b"x" * 255,
    "ü".encode() * 127,
    b"latin-\xe9",
    b"\xff\xfe\xfd",
    b"with\nnewline",
    b"tab\tand\x01control",
    b"back\\slash",
    b" blanks ",
    b"-dash",
    b"*?[glob]",
    b"%41percent",
    b"quote'\"",
    b"...",
    b".hidden",
    b"M" + b"0" * 64,
]
# Seconds and nanoseconds: before 1970, around it, after 2038 and after 2106.
TIMES = [
    (-2_000_000_000, 0),
    (-1_001, 500_000_000),
    (-1, 999_999_999),
    (0, 0),
    (0, 999_999),
    (1_700_000_000, 123_999_999),
    (2_147_483_648, 1),
    (4_294_967_296, 999_000_000),
    (7_258_118_400, 1_000_000),
]


def make_odd_tree(root):
    """Fills a new folder; what only root can make is made only by root."""
    os.makedirs(root)
    _make_names(os.path.join(root, "names"))
    _make_modes(os.path.join(root, "modes"))
    _make_times(os.path.join(root, "times"))
    _make_links(os.path.join(root, "links"))
    _make_special(os.path.join(root, "special"))
    _make_contents(os.path.join(root, "contents"))
    _make_attributes(os.path.join(root, "attributes"))
    _make_deep(root)
    os.makedirs(os.path.join(root, "empty/of/files"))


def write(path, data=b"", mode=None):
    with open(path, "wb") as file:
        file.write(data)
    if mode is not None:
        os.chmod(path, mode)


def _make_names(folder):
    os.mkdir(folder)
    for index, name in enumerate(NAMES):
        path = os.path.join(os.fsencode(folder), name)
        if index % 3 == 2:
            os.mkdir(path)
            write(os.path.join(path, name), b"inside")
        else:
            write(path, b"content %d" % index)


def _make_modes(folder):
    os.mkdir(folder)
    for mode in (0o000, 0o400, 0o644, 0o777, 0o4755, 0o2755, 0o6711, 0o1644):
        write(os.path.join(folder, f"file-{mode:04o}"), b"mode %o" % mode, mode)
    for mode in (0o700, 0o1777, 0o2775, 0o000):
        path = os.path.join(folder, f"folder-{mode:04o}")
        os.mkdir(path)
        write(os.path.join(path, "inside"), b"x")
        os.chmod(path, mode)
    if os.geteuid() == 0:
        for uid, gid in ((12345, 54321), (0, 65534), (4_294_967_294, 4_000_000_000)):
            path = os.path.join(folder, f"owner-{uid}-{gid}")
            write(path, b"owned")
            os.chown(path, uid, gid)


def _make_times(folder):
    os.mkdir(folder)
    for seconds, nanoseconds in TIMES:
        moment = seconds * 1_000_000_000 + nanoseconds
        for name, make in (("file", write), ("folder", os.mkdir)):
            path = os.path.join(folder, f"{name}{moment}")
            make(path)
            os.utime(path, ns=(moment, moment))
        path = os.path.join(folder, f"link{moment}")
        os.symlink("x", path)
        os.utime(path, ns=(moment, moment), follow_symlinks=False)


def _make_links(folder):
    os.mkdir(folder)
    for name, target in (
        ("dangling", b"/nowhere/at/all"),
        ("folder", b"../names"),
        ("loop", b"loop"),
        ("bytes", b"\xff\n\x01"),
        ("long", b"y" * 4095),
    ):
        os.symlink(target, os.path.join(os.fsencode(folder), name.encode()))
    write(os.path.join(folder, "first"), b"one content, two names")
    os.link(os.path.join(folder, "first"), os.path.join(folder, "second"))


def _make_special(folder):
    os.mkdir(folder)
    os.mkfifo(os.path.join(folder, "fifo"))
    with socket.socket(socket.AF_UNIX) as listener:
        descriptor = os.open(folder, live.FOLDER_FLAGS)
        listener.bind(f"/proc/self/fd/{descriptor}/socket")
        os.close(descriptor)
    if os.geteuid() == 0:
        os.mknod(os.path.join(folder, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(os.path.join(folder, "loop0"), stat.S_IFBLK | 0o660, os.makedev(7, 0))


def _make_contents(folder):
    os.mkdir(folder)
    noise = random.Random(2).randbytes(14 * MEBIBYTE)
    for name, data in (
        ("empty", b""),
        ("one-byte", b"1"),
        ("text", b"line of text\n" * 10_000),
        ("one-chunk", noise[:MEBIBYTE]),
        ("one-byte-more", noise[: MEBIBYTE + 1]),
        ("several-chunks", noise),
        ("shifted", b"7 bytes" + noise[: 6 * MEBIBYTE]),
        ("zeros", bytes(8 * MEBIBYTE)),
        ("more-zeros", bytes(8 * MEBIBYTE + 1)),
    ):
        write(os.path.join(folder, name), data)
    with open(os.path.join(folder, "sparse"), "wb") as file:
        file.seek(9 * MEBIBYTE)
        file.write(b"in the middle")
        file.truncate(25 * MEBIBYTE)


def access_control_list(*records):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *record) for record in records)


NO_ID = tree.ACL_NO_ID
ACCESS_ACL = access_control_list(
    (1, 6, NO_ID), (2, 7, 1234), (4, 5, NO_ID), (8, 4, 99), (16, 4, NO_ID), (32, 0, NO_ID)
)
DEFAULT_ACL = access_control_list((1, 7, NO_ID), (4, 5, NO_ID), (8, 7, 100), (16, 7, NO_ID), (32, 5, NO_ID))
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)


def _make_attributes(folder):
    os.mkdir(folder)
    path = os.path.join(folder, "file")
    write(path, b"with attributes", 0o640)
    os.setxattr(path, "user.comment", b"with \0 nul")
    os.setxattr(path, "user.empty", b"")
    os.setxattr(path, "user.\u00fcn\u00efcode", b"\xff" * 1000)
    os.setxattr(path, "system.posix_acl_access", ACCESS_ACL)
    inner = os.path.join(folder, "folder")
    os.mkdir(inner)
    os.setxattr(inner, "user.folder", b"yes")
    os.setxattr(inner, "system.posix_acl_default", DEFAULT_ACL)
    write(os.path.join(inner, "plain"), b"inherits")
    if os.geteuid() == 0:
        program = os.path.join(folder, "program")
        write(program, b"#!/bin/true\n", 0o755)
        os.setxattr(program, "security.capability", CAPABILITY)
        os.setxattr(program, "trusted.note", b"for root")
        os.symlink("file", os.path.join(folder, "link"))
        os.setxattr(os.path.join(folder, "link"), "trusted.link", b"on the link", follow_symlinks=False)


def _make_deep(root):
    """Nesting deeper than PATH_MAX: made step by step."""
    folder = os.open(root, live.FOLDER_FLAGS)
    for _ in range(DEEP_LEVELS):
        os.mkdir(DEEP_NAME, dir_fd=folder)
        inner = live.open_folder(folder, DEEP_NAME)
        os.close(folder)
        folder = inner
    with open(os.open("bottom", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder), "wb") as file:
        file.write(b"far down")
    os.close(folder)
