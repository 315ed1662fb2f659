"""What all items use: a repository of their own, the program under trial, and what is expected."""

import base64
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("REKKORD_BINARY") or str(ROOT / ".build/release/rekkord")
ORACLE = ROOT / "Tests/Oracle"
S3_DOUBLE = ROOT / "Tests/S3Double"
ATTACKS = ROOT / "Tests/Attacks"
ITEMS = {}


class Failure(Exception):
    """What was expected and did not happen."""


class Skipped(Exception):
    """Why an item cannot run here."""


def item(function):
    ITEMS[function.__name__.replace("_", "-")] = function
    return function


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Bench:
    """One repository with its keys in a work folder."""

    def __init__(self, work):
        self.work = work
        self.repository = work / "repository"
        self.temporary = work / "tmp"
        self.temporary.mkdir()
        self.environment = {**os.environ, "HOME": str(work), "TMPDIR": str(self.temporary), "LC_ALL": "C.UTF-8"}
        for name in ("REKKORD_CONFIG_FILE", "REKKORD_REPOSITORY", "REKKORD_KEY_FILE", "REKKORD_KEYFILE", "XDG_CACHE_HOME",
                     "XDG_CONFIG_HOME"):
            self.environment.pop(name, None)
        self.run("init", "-g", key="master.key")
        for kind in ("WriteOnly", "ReadWrite", "LogOnly"):
            self.run("derive", "-t", kind, "-O", str(work / f"{kind}.key"), key="master.key")

    def command(self, *arguments, key):
        return [BINARY, "--no-config", "-R", str(self.repository), "-K", str(self.work / key),
                "--cache-dir", str(self.work / "cache"), *map(os.fsdecode, arguments)]

    def run(self, *arguments, key="WriteOnly.key", statuses=(0,)):
        result = subprocess.run(self.command(*arguments, key=key), env=self.environment, text=True,
                                errors="surrogateescape", capture_output=True)
        expect(result.returncode in statuses,
               f"{' '.join(map(str, arguments))}: status {result.returncode}: {result.stderr.strip()}")
        return result

    def save(self, channel, *paths, options=(), statuses=(0,)):
        result = self.run("save", "--format", "JSON", *options, channel, *paths, statuses=statuses)
        return json.loads(result.stdout)

    def restore(self, identifier, target, *options, statuses=(0,)):
        result = self.run("restore", "--format", "JSON", *options, identifier, str(target), key="master.key", statuses=statuses)
        return json.loads(result.stdout)

    @contextlib.contextmanager
    def mounted(self, *identifier, options=(), key="master.key"):
        """Mounts in the foreground; gives the mount point and the process."""
        point = pathlib.Path(tempfile.mkdtemp(prefix="mnt.", dir=self.work))
        log = open(f"{point}.log", "w+")
        process = subprocess.Popen(self.command("mount", "-f", *options, *identifier, str(point), key=key),
                                   env=self.environment, stdout=log, stderr=log)
        try:
            while not os.path.ismount(point):
                expect(process.poll() is None, f"mount ended with {process.returncode}: {read_text(log.name)}")
                time.sleep(0.01)
            yield point, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            status = process.wait(60)
            log.close()
            if sys.exc_info()[0] is None:
                expect(status == 0, f"the mount ended with {status}: {read_text(log.name)}")
                expect(not os.path.ismount(point), "the mount is still there")
            os.rmdir(point)


def read_text(path):
    return pathlib.Path(path).read_text(errors="replace").strip()


def below(point, source):
    """Where a saved absolute path appears below a mount point."""
    return os.fsencode(point) + os.fsencode(source)


def facts(root):
    """What find tells of a tree: {relative path: (type, mode, owner, group, size, milliseconds, target)}."""
    listing = subprocess.run(["find", os.fsencode(root), "-printf", r"%P\0%y\0%m\0%U\0%G\0%s\0%T@\0%l\0"],
                             capture_output=True)
    expect(listing.returncode == 0, f"find: {listing.stderr[:300]!r}")
    fields = listing.stdout.split(b"\0")[:-1]
    table = {}
    for index in range(0, len(fields), 8):
        name, kind, mode, uid, gid, size, when, target = fields[index:index + 8]
        if kind in b"pscb":
            continue  # special files are not shown in a mount
        seconds, fraction = when.split(b".")
        # The fraction counts upwards before 1970 too: find prints -1.999 for a millisecond before it.
        milliseconds = int(seconds) * 1000 + int(fraction[:3])
        table[name] = (kind, mode, uid, gid, None if kind == b"d" else size, milliseconds, target)
    return table


def expect_same_facts(source, seen, leave_out=None):
    left, right = ({name: row for name, row in facts(place).items() if not leave_out or not name.startswith(leave_out)}
                   for place in (source, seen))
    for name in left.keys() | right.keys():
        a, b = left.get(name), right.get(name)
        expect(a is not None, f"{name!r} should not be there")
        expect(b is not None, f"{name!r} is missing")
        if a[0] != b"l":
            a = (a[0], shown_mode(os.path.join(os.fsencode(source), name), a[1]), *a[2:])
        expect(a == b, f"{name!r}: {a} became {b}")
    return len(left)


def shown_mode(path, mode):
    """The mode that a mount shows: with an access list, the group bits are what the owning group may really do."""
    try:
        records = os.getxattr(path, "system.posix_acl_access", follow_symlinks=False)[4:]
    except OSError:  # none, or a path that is too long to ask about
        return mode
    granted = {tag: bits for tag, bits, _ in struct.iter_unpack("<HHI", records)}
    owning_group, mask = 4, 16
    bits = int(mode, 8) & ~0o070 | (granted[owning_group] & granted.get(mask, 7)) << 3
    return b"%o" % bits


def expect_quiet(*command):
    result = subprocess.run(command, capture_output=True)
    expect(result.returncode == 0 and not result.stdout.strip(),
           f"{os.fsdecode(command[0])}: {result.returncode}: {(result.stdout + result.stderr)[:500]!r}")


def expect_sound(bench):
    """The independent reader finds no fault in the repository."""
    from rekkord_oracle.verify import Verification

    verification = Verification(oracle_reader(bench))
    verification.run()
    faults = verification.problems + [f"orphan {name}" for name in verification.orphans]
    expect(not faults, f"oracle: {len(faults)} faults: {faults[:3]}")


def expect_equal(bench, channel, place, **options):
    """The independent reader finds a snapshot equal to what lies below a folder; returns the number of places."""
    from rekkord_oracle.compare import Comparison, Options

    reader = oracle_reader(bench)
    comparison = Comparison(reader, Options(attributes=True, **options))
    comparison.run(reader.resolve(channel), place)
    found = comparison.differences
    expect(not found, f"oracle: {len(found)} differences: {found[:3]}")
    return sum(comparison.counts[kind] for kind in ("file", "directory", "link"))


def oracle_reader(bench):
    from rekkord_oracle import keys
    from rekkord_oracle.repository import Repository

    return Repository(bench.repository, keys.load_key(bench.work / "master.key"))


def run_oracle_tests(*names, binary=BINARY, folder=ORACLE):
    """Runs tests of Tests/Oracle with the program under trial; returns what they say at the end."""
    with tempfile.TemporaryDirectory() as results:
        command = [folder / "run", "--binary", str(binary), "--results", results, *names]
        result = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in result.stderr.splitlines() if line.startswith(("FAIL:", "ERROR:"))]
    last = result.stdout.strip().splitlines()[-1:]
    expect(result.returncode == 0, f"{last} {lines[:5]}")
    expect("0 skipped" in last[0], last[0])
    return last[0].partition(": ")[2]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measured(command, environment):
    """Runs a command; returns its seconds, the most memory it had in MB, and what it printed."""
    start = time.monotonic()
    with tempfile.NamedTemporaryFile() as peak:
        # Started by time(1), a small process: a program's peak counts from that of the one it was forked from.
        timed = ["/usr/bin/time", "--quiet", "-f", "%M", "-o", peak.name, "--", *command]
        process = subprocess.run(timed, env=environment, stdout=subprocess.PIPE)
        seconds = time.monotonic() - start
        expect(process.returncode == 0, f"status {process.returncode}")
        return seconds, int(peak.read()) / 1000, process.stdout


def call(name, *arguments):
    """Calls a function of the C library that Python does not offer."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


def expect_soon(condition, text):
    deadline = time.monotonic() + 10
    while not condition():
        expect(time.monotonic() < deadline, text)
        time.sleep(0.01)


def oracle_writer(bench):
    """Writes by hand into the repository of a bench."""
    from rekkord_oracle.writer import RepositoryWriter

    text = (bench.work / "master.key").read_text().splitlines()
    return RepositoryWriter(bench.repository, mkey=base64.b64decode(text[1]), level=0)


def peak(process):
    """The most memory that a process has had, in bytes."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024
