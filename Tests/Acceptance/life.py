"""Mounts that come and go, and what they take while they live."""

import contextlib
import hashlib
import os
import pathlib
import random
import subprocess
import time
from dataclasses import replace

from bench import Skipped, below, expect, expect_quiet, item, oracle_writer, peak


@item
def cycles(bench):
    """1,000 times mounted and unmounted; nothing is left behind."""
    source = bench.work / "small"
    source.mkdir()
    (source / "file").write_text("small")
    bench.save("small", source)
    point = bench.work / "cycle"
    point.mkdir()
    for number in range(1000):
        bench.run("mount", "small", str(point), key="master.key")
        seen = pathlib.Path(os.fsdecode(below(point, source))) / "file"
        if number % 50 == 0:
            expect(seen.read_text() == "small", "wrong content")
        expect_quiet("fusermount3", "-u", str(point))
    expect_nothing_left(bench, point)


@item
def unmount_while_reading(bench):
    """Unmounted during heavy reading; nothing is left behind."""
    source = bench.work / "heavy"
    source.mkdir()
    for number in range(8):
        (source / str(number)).write_bytes(random.Random(number).randbytes(20 << 20))
    bench.save("heavy", source)
    point = bench.work / "busy"
    point.mkdir()
    for _ in range(20):
        bench.run("mount", "heavy", str(point), key="master.key")
        seen = below(point, source)
        readers = [subprocess.Popen(["sh", "-c", 'while cat "$1"/*; do :; done', "sh", seen], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for _ in range(4)]
        time.sleep(0.3)
        expect_quiet("fusermount3", "-uz", str(point))
        for reader in readers:
            reader.terminate()
            reader.wait(30)
    expect_nothing_left(bench, point)


def expect_nothing_left(bench, point):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        processes = [pid for pid in os.listdir("/proc") if pid.isdigit() and is_mounter(pid, point)]
        if not processes:
            break
        time.sleep(0.1)
    expect(not processes, f"processes are left: {processes}")
    expect(not os.path.ismount(point), "a mount is left")
    left = [*os.listdir(bench.temporary), *os.listdir(bench.repository / "tmp")]
    expect(not left, f"temporary files are left: {left}")


def is_mounter(pid, point):
    try:
        return os.fsencode(point) in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@item
def memory(bench):
    """Peak memory while crawling 1,000,000 entries stays under the cache size plus 200 MB."""
    source = bench.work / "million"
    for number in range(1000):
        folder = source / f"{number:03}"
        folder.mkdir(parents=True)
        descriptor = os.open(folder, os.O_RDONLY)
        for file in range(1000):
            os.close(os.open(f"{file:03}", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor))
        os.close(descriptor)
    bench.save("million", source)
    with bench.mounted("million", options=("--cache-size", "64M")) as (point, process):
        listing = subprocess.run(["find", below(point, source), "-size", "-1", "-printf", "."], capture_output=True)
        expect(len(listing.stdout) == 1_001_001 - 0, f"{len(listing.stdout)} entries")
        most = peak(process)
    expect(most < 264_000_000, f"peak memory {most / 1e6:.0f} MB")
    return f"peak {most / 1e6:.0f} MB with --cache-size 64M"


@item
def crawl(bench):
    """1,000,000 entries in 50,000 folders, then 50 GB of reads, in a memory group of 64 MB more than the cache."""
    writer = oracle_writer(bench)
    # 2 MiB chunks of bytes that compress by half, as many that no cache of the mount can hold them.
    chance = random.Random(1)
    content = b"".join(chance.randbytes(2048) + bytes(2048) for _ in range(1_000_000_000 // 4096))
    ends = [*range(2 << 20, len(content), 2 << 20), len(content)]
    big = writer.file_entry(b"big", content, ends=ends)
    digest, size = hashlib.sha256(content).digest(), len(content)
    file = writer.file_entry(b"x", b"the same in all of them")
    outer = []
    for number in range(50):
        inner = []
        for folder in range(1000):
            files = [replace(file, name=b"%d-%d-%d" % (number, folder, index)) for index in range(19)]
            inner.append(writer.folder_entry(b"%d" % folder, files))
        outer.append(writer.folder_entry(b"%d" % number, inner))
    writer.save(b"crawl", [writer.folder_entry(b"tree", [*outer, big])])
    limit = 64_000_000
    with memory_group(64_000_000 + limit) as group, bench.mounted("crawl", options=("--cache-size", f"{limit // 1_000_000}M")) as (
            point, process):
        group.add(process.pid)
        listing = subprocess.run(["find", point, "-size", "-2", "-printf", "."], capture_output=True)
        expect(len(listing.stdout) == 2 + 50 + 50_000 + 950_000, f"{len(listing.stdout)} entries")
        crawled = peak(process)
        for _ in range(50):
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
            with open(point / "tree/big", "rb") as seen:
                expect(hashlib.file_digest(seen, "sha256").digest() == digest, "wrong content")
        return f"peak {crawled / 1e6:.0f} MB after the crawl, {peak(process) / 1e6:.0f} MB after {50 * size / 1e9:.0f} GB"


class MemoryGroup:
    """A control group whose members die when they use more than they may."""

    def __init__(self, folder, members, limit, value):
        self.folder, self.members = folder, folder / members
        folder.mkdir()
        (folder / limit).write_text(str(value))

    def add(self, pid):
        self.members.write_text(str(pid))


@contextlib.contextmanager
def memory_group(limit):
    name = f"rekkord-accept-{os.getpid()}"
    first, second = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")
    if first.is_dir():
        group = MemoryGroup(first / name, "cgroup.procs", "memory.limit_in_bytes", limit)
    elif (second / "cgroup.controllers").exists():
        group = MemoryGroup(second / name, "cgroup.procs", "memory.max", limit)
    else:
        raise Skipped("there are no control groups")
    try:
        yield group
    finally:
        group.folder.rmdir()
