"""Mounts under load, by ordinary users, and over storage that hangs."""

import os
import random
import shutil
import subprocess
import sys
import sysconfig
import time

from bench import BINARY, ORACLE, Failure, Skipped, below, expect, expect_quiet, expect_soon, item, run_oracle_tests


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
def mount_user_tests(bench):
    """The mount's tests that need no root, run by an ordinary user through fusermount3."""
    place = bench.work / "user"
    (place / "home").mkdir(parents=True)
    bench.work.chmod(0o755)
    shutil.copy(BINARY, place / "rekkord")
    tests = ["test_list", "test_mount", "test_mount_life", "test_mount_hung", "test_mount_model", "test_mount_pages",
             "test_repository_mount"]
    # Its own /dev/fuse, so that nothing of the system is changed; and the interpreter may lie where only root may look.
    script = """
        mknod -m 666 "$1/fuse" c 10 229
        mount --bind "$1/fuse" /dev/fuse
        chown nobody "$1/home"
        mkdir "$1/python"
        mount --bind "$2" "$1/python"
        place=$1 packages=$3 folder=$4
        shift 4
        exec setpriv --reuid=nobody --regid=nogroup --clear-groups \\
            env -i HOME="$place/home" TMPDIR="$place/home" PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \\
            PYTHONPATH="$packages" LD_LIBRARY_PATH="$place/python/lib" "$place/python/bin/python3" -B "$folder/run_tests.py" --binary "$place/rekkord" --results "$place/results" "$@"
        """
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "sh",
               place, sys.base_prefix, sysconfig.get_path("purelib"), ORACLE]
    result = subprocess.run([*command, *tests], capture_output=True, text=True)
    last = result.stdout.strip().splitlines()[-1:] or [result.stderr[-300:]]
    failures = [line for line in result.stderr.splitlines() if line.startswith(("FAIL:", "ERROR:"))]
    expect(result.returncode == 0, f"{last} {failures[:5]}")
    return last[0].partition(": ")[2]


@item
def mount_fio(bench):
    """fio reads a file of its own making, which bears checksums, by psync, libaio and mmap, four jobs each."""
    if not shutil.which("fio"):
        raise Skipped("there is no fio")
    source = bench.work / "fio"
    source.mkdir()
    size = 256 << 20
    shape = ["--name=file", f"--size={size}", "--bs=64k", "--verify=crc32c", "--verify_fatal=1",
             "--verify_state_save=0", "--minimal"]
    expect_quiet("fio", *shape, f"--filename={source / 'file'}", "--rw=write", "--do_verify=0", "--buffer_compress_percentage=50",
                 "--refill_buffers", "--output=/dev/null")
    bench.save("fio", source)
    count = 0
    with bench.mounted("fio", options=("--cache-size", "64M")) as (point, _):
        path = os.fsdecode(below(point, source)) + "/file"
        for engine in ("psync", "libaio", "mmap"):
            for order in ("read", "randread"):
                with open(path, "rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                expect_quiet("fio", "--readonly", *shape, f"--filename={path}", f"--rw={order}", f"--ioengine={engine}",
                             "--numjobs=4", "--iodepth=8", "--output=/dev/null")
                count += 1
        # What fio accepts means something only if it refuses the rest.
        with open(path, "rb") as file, open(source / "changed", "wb") as changed:
            data = bytearray(file.read())
            data[size // 2 + 1000] ^= 1
            changed.write(data)
    wrong = subprocess.run(["fio", "--readonly", *shape, f"--filename={source / 'changed'}", "--rw=read"], capture_output=True)
    expect(wrong.returncode != 0, "fio does not notice a flipped bit")
    return f"{count} runs of {size >> 20} MiB by four jobs"


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
