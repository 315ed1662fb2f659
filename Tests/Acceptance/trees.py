"""Whole trees, saved and seen through a mount."""

import os
import shutil
import subprocess
import sysconfig

from bench import (
    Skipped,
    below,
    expect,
    expect_equal,
    expect_quiet,
    expect_same_facts,
    expect_sound,
    item,
    run_oracle_tests,
)


def expect_same_by_tools(source, seen, exclude=()):
    """Compares a saved tree with what a mount shows, with the tools that people use."""
    left, right = os.fsencode(source), seen
    options = [f"--exclude=/{name}" for name in exclude]
    result = subprocess.run(["rsync", "-aAX", "--no-D", "--checksum", "--dry-run", "-i", "--delete", *options,
                             left + b"/", right + b"/"], capture_output=True)
    expect(result.returncode == 0, f"rsync: {result.stderr[:500]!r}")
    for line in result.stdout.splitlines():
        # A file with an access list shows other group bits than rsync expects; the list itself is compared.
        change, _, name = line.partition(b" ")
        path = os.path.join(left, name)
        is_listed = change[2:] == b"...p....." and "system.posix_acl_access" in os.listxattr(path)
        expect(is_listed, f"rsync: {line!r}")
    expect_quiet("diff", "-r", "--no-dereference", *(f"--exclude={name}" for name in exclude), left, right)


def tree_item(channel, source, bench, tools=True, exclude=(), leave_out=None):
    """Saves a tree write-only, has the oracle verify and compare it, mounts it, and compares again."""
    if not os.path.isdir(source):
        raise Skipped(f"there is no {source}")
    bench.save(channel, source, options=("-m", "ATime,XAttrs"))
    expect_sound(bench)
    expect_equal(bench, channel, "/", ctime=True)
    with bench.mounted(channel) as (point, _):
        seen = below(point, source)
        expect_same_facts(source, seen, leave_out)
        count = expect_equal(bench, channel, point, mount=True)
        if tools:
            expect_same_by_tools(source, seen, exclude)
    return f"{count} entries"


@item
def tree_include(bench):
    """/usr/include; also copied by cp -a and by tar."""
    source = "/usr/include"
    note = tree_item("include", source, bench)
    with bench.mounted("include") as (point, _):
        copy = bench.work / "copy"
        expect_quiet("cp", "-a", below(point, source), copy)
        expect_same_facts(source, copy)
        shutil.rmtree(copy)
        copy.mkdir()
        archive = subprocess.Popen(["tar", "-C", below(point, source), "-cf", "-", "."], stdout=subprocess.PIPE)
        unpacked = subprocess.run(["tar", "-C", str(copy), "-xpf", "-"], stdin=archive.stdout)
        expect(archive.wait() == 0 and unpacked.returncode == 0, "tar failed")
        expect_quiet("diff", "-r", "--no-dereference", source, str(copy))
    return note


@item
def tree_share(bench):
    """/usr/share."""
    return tree_item("share", "/usr/share", bench)


@item
def tree_python(bench):
    """The Python library."""
    return tree_item("python", sysconfig.get_paths()["stdlib"], bench)


@item
def tree_odd(bench):
    """Odd names, modes, times, links, contents, attributes and special files."""
    from odd_tree import DEEP_NAME, make_odd_tree

    source = str(bench.work / "odd")
    make_odd_tree(source)
    # rsync and diff stop at PATH_MAX and tell of special files, which a mount hides.
    # Group bits of files with access control lists are shown as they take effect, which only the oracle expects.
    note = tree_item("odd", source, bench, exclude=("special", "attributes", os.fsdecode(DEEP_NAME)),
                     leave_out=b"attributes/")
    with bench.mounted("odd") as (point, _):
        expect(os.listdir(below(point, source) + b"/special") == [], "special files are shown")
    return note


@item
def tree_foreign(bench):
    """A repository by another implementation, and odd or hostile ones, listed and mounted."""
    return run_oracle_tests("test_list", "test_mount")


@item
def tree_denied(bench):
    """Files that the saving user cannot read; odd trees in both kinds of chunking; all kinds of operands."""
    return run_oracle_tests("test_save")


@item
def tree_deep(bench):
    """Nesting deeper than PATH_MAX, by find and tar."""
    source = bench.work / "deep"
    source.mkdir()
    descriptor = os.open(source, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=descriptor)
        lower = os.open("d" * 100, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = lower
    leaf = os.open("leaf", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor)
    os.write(leaf, b"deep down\n")
    os.close(leaf)
    os.close(descriptor)
    bench.save("deep", source)
    expect_sound(bench)
    expect_equal(bench, "deep", "/")
    with bench.mounted("deep") as (point, _):
        seen = below(point, source)
        expect_same_facts(str(source), seen)
        archive = subprocess.run(["tar", "-C", seen, "-cf", "-", "."], capture_output=True)
        expect(archive.returncode == 0, f"tar: {archive.stderr[:300]!r}")
        expect(b"deep down\n" in archive.stdout, "the deepest file is not in the archive")
    return "60 levels of 100 bytes"


@item
def tree_wide(bench):
    """A folder of 100,000 files."""
    source = bench.work / "wide"
    source.mkdir()
    for number in range(100_000):
        (source / f"file-{number:06}").write_text(str(number) if number % 10 == 0 else "")
    return tree_item("wide", str(source), bench, tools=False)
