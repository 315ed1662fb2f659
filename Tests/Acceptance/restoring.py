"""Whole and odd trees restored."""

import os
import pathlib
import random
import shutil
import stat
import subprocess

from bench import below, expect, expect_equal, expect_same_facts, item, measured, run_oracle_tests


@item
def restore_trees(bench):
    """Whole trees come back equal; again, nothing is written; after damage of many kinds, they are equal again."""
    notes = []
    for channel, source in (("include", "/usr/include"), ("share", "/usr/share"), ("etc", "/etc")):
        target = bench.work / f"restored-{channel}"
        saved = bench.save(channel, source, options=("-m", "ATime,XAttrs"))
        seen = below(target, source)
        first = bench.restore(channel, target, "-m", "Owner,XAttrs", "--verify")
        expect(first["files"] + first["links"] + first["directories"] + first["skipped"] >= saved["entries"], str(first))
        expect_same_by_rsync(source, seen)
        expect_equal(bench, channel, target, restored=True)
        again = bench.restore(channel, target, "-m", "Owner,XAttrs", "--overwrite", "changed", "--delete")
        expect((again["files"], again["deleted"]) == (0, 0), f"the second restore wrote {again}")
        ruin(seen)
        bench.restore(channel, target, "-m", "Owner,XAttrs", "--overwrite", "changed", "--delete")
        expect_same_by_rsync(source, seen)
        notes.append(f"{channel}: {first['files']} files in {first['duration']} s")
    return ", ".join(notes)


def expect_same_by_rsync(source, seen):
    result = subprocess.run(["rsync", "-aAX", "--no-D", "--checksum", "--modify-window=-1", "--dry-run", "-i", "--delete",
                             os.fsencode(source) + b"/", seen + b"/"], capture_output=True)
    # Times are kept to the millisecond, which is all that may differ.
    lines = [line for line in result.stdout.splitlines() if line[2:11] != b"..t......"]
    expect(result.returncode == 0 and not lines, f"rsync: {result.stderr[:300]!r} {lines[:5]}")
    expect_same_facts(source, seen)


def ruin(top):
    """Changes about every 50th entry in one way or another."""
    chance = random.Random(3)
    for folder, folders, files in os.walk(top, topdown=False):
        for name in files + folders:
            path = os.path.join(folder, name)
            if chance.random() > 0.02:
                continue
            is_folder = os.path.isdir(path) and not os.path.islink(path)
            match chance.randrange(4):
                case 0:
                    shutil.rmtree(path) if is_folder else os.unlink(path)
                case 1 if not os.path.islink(path):
                    os.chmod(path, 0o700)
                case 2:
                    shutil.rmtree(path) if is_folder else os.unlink(path)
                    os.symlink("/", path)
                case _:
                    pathlib.Path(os.fsdecode(path) + ".extra").write_text("extra")


@item
def restore_odd(bench):
    """Odd trees, kills, full disks, ordinary users, hostile repositories."""
    return run_oracle_tests("test_restore")


@item
def restore_deep(bench):
    """100,000 folders in one another, saved and restored; removed again by --delete."""
    depth = 100_000
    source, target = bench.work / "deep", bench.work / "restored-deep"
    source.mkdir()
    descriptor = os.open(source, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=descriptor)
        lower = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = lower
    os.close(os.open("leaf", os.O_WRONLY | os.O_CREAT, 0o604, dir_fd=descriptor))
    os.close(descriptor)
    bench.save("deep", source)
    command = bench.command("restore", f"deep:{source}", target, key="master.key")
    seconds, memory, _ = measured(command, bench.environment)
    descriptor = os.open(target, os.O_RDONLY)
    for _ in range(depth):
        lower = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = lower
    expect(stat.S_IMODE(os.stat("leaf", dir_fd=descriptor).st_mode) == 0o604, "the deepest file is wrong")
    os.close(descriptor)
    empty = bench.work / "empty"
    empty.mkdir()
    bench.save("empty", empty)
    for place in (source, target):
        bench.restore(f"empty:{empty}", place, "-f", "--delete")
        expect(os.listdir(place) == [], "something is left")
    return f"{seconds:.1f} s, {memory:.0f} MB"


@item
def restore_memory(bench):
    """A folder of 200,000 files, and a file of 100 GB of zeros into a hole, within 160 MB."""
    source = bench.work / "many"
    source.mkdir()
    for number in range(200_000):
        (source / f"file-{number:06}").write_text(str(number % 1000))
    with open(source / "hole", "wb") as file:
        file.truncate(10**11)
    bench.save("many", source)
    command = bench.command("restore", "--sparse", "many", bench.work / "restored-many", key="master.key")
    seconds, memory, _ = measured(command, bench.environment)
    expect(memory < 160, f"{memory:.0f} MB")
    hole = os.stat(below(bench.work / "restored-many", source) + b"/hole")
    expect((hole.st_size, hole.st_blocks < 100) == (10**11, True), f"the hole is {hole}")
    return f"{seconds:.1f} s, {memory:.0f} MB"
