"""Mounts under load, by ordinary users, and over storage that hangs."""

import os
import random
import subprocess
import time

from bench import Failure, expect, expect_soon, item, run_oracle_tests


@item
def mount_many(bench):
    """10,000 snapshots, and 10,000 saved paths laid over one folder: counted right, and listed in linear time."""
    from rekkord_oracle.writer import DEFAULT_TIME, RepositoryWriter

    writer = RepositoryWriter(bench.work / "many", level=0).create()
    writer.save_master_key(bench.work / "many.key")
    home = writer.folder_entry(b"home", [writer.file_entry(b"s%05d" % number, b"x") for number in range(10_000)])
    for number in range(9_999):
        writer.save(b"web", [home], time=DEFAULT_TIME + number * 60_000)
    extra = [writer.file_entry(b"home/r%05d" % number, b"y") for number in range(10_000)]
    writer.save(b"roots", [home, *extra])
    bench.repository = bench.work / "many"
    seconds = {}

    def timed(name, limit, *command):
        start = time.monotonic()
        result = subprocess.run([os.fsencode(word) for word in command], capture_output=True)
        seconds[name] = time.monotonic() - start
        expect(result.returncode == 0, f"{name}: {result.stderr[:300]!r}")
        # Ten and more times what it takes; what is quadratic takes much longer.
        expect(seconds[name] < limit, f"{name} took {seconds[name]:.1f} s")
        return result.stdout.count(b"\n")

    start = time.monotonic()
    with bench.mounted(key="many.key") as (point, _):
        seconds["mount"] = time.monotonic() - start
        expect(timed("ls", 1, "ls", "-f", point / "channels/web") == 10_002, "snapshots are missing")
        expect(timed("ls -l", 5, "ls", "-l", point / "channels/web") == 10_001, "snapshots are missing")
        lines = timed("ls -l of paths", 10, "ls", "-l", point / "channels/roots/latest/home")
        expect(lines == 20_001, f"{lines} lines instead of 20,001")
        start = time.monotonic()
        expect_soon(lambda: os.statvfs(point).f_files == 9_999 * 10_001 + 20_001, "statfs does not count all entries")
        seconds["statfs"] = time.monotonic() - start
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())


@item
def mount_user(bench):
    """Mounts of an ordinary user by fusermount3 and fstab, with and without allow_other."""
    return run_oracle_tests("test_mount_user")


@item
def mount_hung(bench):
    """Storage that hangs, goes away and comes back; clients that are killed meanwhile."""
    return run_oracle_tests("test_mount_hung")


@item
def mount_model(bench):
    """Random operations of four processes, compared with the same on the tree that was saved."""
    seed = int(os.environ.get("REKKORD_MODEL_SEED") or random.SystemRandom().randrange(1 << 30))
    os.environ.update(REKKORD_MODEL_SEED=str(seed), REKKORD_MODEL_ROUNDS="20", REKKORD_MODEL_STEPS="2000")
    try:
        return f"{run_oracle_tests('test_mount_model')}, seed {seed}"
    except Failure as failure:
        raise Failure(f"seed {seed}: {failure}") from None
