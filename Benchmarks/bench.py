"""Measures rekkord beside the bare disk, restic and borg; called by scripts/bench.

Everything lives in one temporary folder, which is removed at the end together with every mount, however the run ends.
"""

import argparse
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

MEGABYTE = 1_000_000
COMMAND_TIMEOUT_SECONDS = 1800
MOUNT_TIMEOUT_SECONDS = 120
# A file whose change is younger than this when it is saved is read again by the next save.
SETTLE_SECONDS = 3

# Where the data comes from: real files, which differ from machine to machine; compare only figures of one run.
BINARIES = ["/usr/bin", "/usr/lib"]
SMALL_FILES = ["/usr/include", "/usr/share"]


class Failure(Exception):
    """A command that did not do what it should."""


def run(command, environment=None):
    """Runs a command; returns (seconds, peak memory in bytes)."""
    with tempfile.NamedTemporaryFile() as memory, tempfile.TemporaryFile() as errors:
        # Started by time(1), a small process: a program's peak counts from that of the one it was forked from.
        measured = ["/usr/bin/time", "--quiet", "-f", "%M", "-o", memory.name, "--", *command]
        start = time.monotonic()
        process = subprocess.Popen(measured, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
        try:
            status = process.wait(COMMAND_TIMEOUT_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        seconds = time.monotonic() - start
        if status != 0:
            errors.seek(0)
            text = errors.read()[-2000:].decode(errors="replace")
            raise Failure(f"{' '.join(command)}: status {status}\n{text}")
        return seconds, int(memory.read()) * 1024


def drop_caches():
    """Empties the page cache; False when that is not allowed."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
        return True
    except OSError:
        return False


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


class Tool:
    """A program that saves a tree and mounts it; the subclasses know its commands."""

    def __init__(self, folder, program):
        self.program = program
        self.home = os.path.join(folder, self.name)
        self.resets = 0

    def reset(self):
        """Makes a new repository with nothing remembered.

        Its folder is new as well: ext4 is slow to make files for a minute or more after many were removed.
        """
        self.resets += 1
        self.saves = 0
        self.folder = os.path.join(self.home, str(self.resets))
        self.repository = os.path.join(self.folder, "repository")
        self.cache = os.path.join(self.folder, "cache")
        self.mount_point = os.path.join(self.folder, "mount")
        os.makedirs(self.mount_point)
        os.makedirs(self.cache)
        for command in self.init_commands():
            run(command, self.environment())

    def environment(self):
        return {**os.environ, **self.variables()}

    def save(self, source):
        self.saves += 1
        return run(self.save_command(source), self.environment())

    @contextlib.contextmanager
    def mounted(self, source):
        """Mounts the saved tree and gives its folder and the process that serves it."""
        log = os.path.join(self.folder, "mount.log")
        with open(log, "wb") as output:
            server = subprocess.Popen(self.mount_command(), env=self.environment(), stdin=subprocess.DEVNULL,
                                      stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + MOUNT_TIMEOUT_SECONDS
            while not os.path.ismount(self.mount_point):
                if server.poll() is not None or time.monotonic() > deadline:
                    with open(log, errors="replace") as text:
                        raise Failure(f"{self.name} does not mount:\n{text.read()[-2000:]}")
                time.sleep(0.02)
            yield self.saved_path(source), server
        finally:
            self.unmount(server)

    def unmount(self, server):
        for command in (["umount", self.mount_point], ["fusermount3", "-u", self.mount_point],
                        ["umount", "-l", self.mount_point], ["fusermount3", "-uz", self.mount_point]):
            if not os.path.ismount(self.mount_point):
                break
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


class Rekkord(Tool):
    name = "rekkord"

    def variables(self):
        return {"REKKORD_REPOSITORY": self.repository, "REKKORD_KEY_FILE": os.path.join(self.folder, "key")}

    def common(self):
        return ["--no-config", "--cache-dir", self.cache]

    def init_commands(self):
        return [[self.program, "init", "-g", *self.common()]]

    def save_command(self, source):
        return [self.program, "save", *self.common(), "bench", source]

    def mount_command(self):
        return [self.program, "mount", "--foreground", *self.common(), "bench", self.mount_point]

    def saved_path(self, source):
        return self.mount_point + source


class Restic(Tool):
    name = "restic"

    def variables(self):
        return {"RESTIC_REPOSITORY": self.repository, "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": self.cache}

    def init_commands(self):
        return [[self.program, "init", "--quiet"]]

    def save_command(self, source):
        return [self.program, "backup", "--quiet", source]

    def mount_command(self):
        return [self.program, "mount", self.mount_point]

    def saved_path(self, source):
        return f"{self.mount_point}/snapshots/latest{source}"


class Borg(Tool):
    name = "borg"

    def variables(self):
        return {"BORG_REPO": self.repository, "BORG_PASSPHRASE": "bench", "BORG_BASE_DIR": self.cache}

    def init_commands(self):
        return [[self.program, "init", "--encryption", "repokey-blake2"]]

    def save_command(self, source):
        return [self.program, "create", f"::save-{self.saves}", source]

    def mount_command(self):
        return [self.program, "mount", "--foreground", f"::save-{self.saves}", self.mount_point]

    def saved_path(self, source):
        return self.mount_point + source


class Table:
    """Prints figures of several programs side by side, and how rekkord compares to each of the others."""

    WIDTH = 10

    def __init__(self, title, columns):
        self.columns = columns
        print(f"\n{title}\n{'':34}" + "".join(f"{name:>{self.WIDTH}}" for name in columns)
              + "   rekkord compared to")

    def row(self, label, values, digits, is_speed=False):
        """One line; `values` are seconds or bytes, where less is better, or speeds."""
        cells = "".join(f"{values[name]:>{self.WIDTH}.{digits}f}" if name in values else f"{'-':>{self.WIDTH}}"
                        for name in self.columns)
        ours = values.get("rekkord")
        ratios = []
        if ours:
            for name in self.columns:
                if name != "rekkord" and values.get(name):
                    ratio = ours / values[name] if is_speed else values[name] / ours
                    ratios.append(f"{name} {ratio:.2f}x")
        print(f"  {label:32}{cells}   {', '.join(ratios)}", flush=True)


class Bench:
    def __init__(self, folder, arguments):
        self.folder = folder
        self.runs = 1 if arguments.quick else 3
        self.big_byte_count = (256 if arguments.quick else 1000) * MEGABYTE
        self.small_count = 2000 if arguments.quick else 20000
        self.sample_byte_count = (16 if arguments.quick else 64) * MEGABYTE
        self.rekkord = arguments.rekkord
        self.stages_program = arguments.stages
        self.source = os.path.join(folder, "source")
        self.big = os.path.join(self.source, "big")
        self.small = os.path.join(self.source, "small")
        self.tools = None
        self.copies = 0

    def prepare(self):
        """Makes the source tree and the tools, once."""
        if self.tools is not None:
            return
        os.makedirs(self.small)
        size = join_files(self.big, BINARIES, self.big_byte_count)
        count = copy_small_files(self.small, SMALL_FILES, self.small_count)
        small_size = tree_size(self.small)
        print(f"source: one file of {size / MEGABYTE:.0f} MB, {count} small files of "
              f"{small_size / MEGABYTE:.0f} MB in all")
        self.big_size = size
        if not drop_caches():
            print("NOT COLD: the page cache can only be dropped by root; 'cold' figures are warm")
        self.tools = [Rekkord(self.folder, self.rekkord)]
        for kind, program in ((Restic, "restic"), (Borg, "borg")):
            if path := shutil.which(program):
                self.tools.append(kind(self.folder, path))
            else:
                print(f"NOT MEASURED: there is no {program} on this machine")
        time.sleep(SETTLE_SECONDS)

    def stages(self):
        sample = os.path.join(self.folder, "sample")
        join_files(sample, BINARIES + SMALL_FILES, self.sample_byte_count, most_per_file=2 * MEGABYTE)
        print(f"\nstages on one core, median of five, {os.path.getsize(sample) / MEGABYTE:.0f} MB of real files"
              f"\n{'':39}MB/s", flush=True)
        repositories = os.path.join(self.folder, "stages")
        os.mkdir(repositories)
        subprocess.run([self.stages_program, repositories, sample], check=True)

    def save(self):
        self.prepare()
        first, again, first_memory, again_memory, size = {}, {}, {}, {}, {}
        for tool in self.tools:
            firsts, agains = [], []
            for _ in range(self.runs):
                tool.reset()
                # The same start for all: the source in the page cache, nothing else waiting for the disk.
                read_all(self.source)
                os.sync()
                firsts.append(tool.save(self.source))
                agains.append(tool.save(self.source))
            first[tool.name] = statistics.median(seconds for seconds, _ in firsts)
            again[tool.name] = statistics.median(seconds for seconds, _ in agains)
            first_memory[tool.name] = max(memory for _, memory in firsts) / MEGABYTE
            again_memory[tool.name] = max(memory for _, memory in agains) / MEGABYTE
            size[tool.name] = tree_size(tool.repository) / MEGABYTE
        table = Table(f"save, source in the page cache, median of {self.runs}", [tool.name for tool in self.tools])
        table.row("first, s", first, 2)
        table.row("unchanged, s", again, 2)
        table.row("peak memory, first, MB", first_memory, 0)
        table.row("peak memory, unchanged, MB", again_memory, 0)
        table.row("repository, MB", size, 0)

    def mount(self):
        self.prepare()
        results = {}
        for tool in self.tools:
            if not tool.resets:
                tool.reset()
                tool.save(self.source)
        for name, opened in [("ext4", self.bare)] + [(tool.name, tool.mounted) for tool in self.tools]:
            runs = [self.mount_figures(opened) for _ in range(self.runs)]
            for key in runs[0]:
                results.setdefault(key, {})[name] = statistics.median(figures[key] for figures in runs)
        columns = ["ext4"] + [tool.name for tool in self.tools]
        table = Table(f"mount, median of {self.runs}; ext4 is the source itself", columns)
        for key, values in results.items():
            is_speed = key.endswith("MB/s")
            table.row(key, values, 0 if is_speed or key.endswith("MB") else 3, is_speed)

    @contextlib.contextmanager
    def bare(self, source):
        """The source as if it were a mount."""
        yield source, None

    def mount_figures(self, opened):
        figures = {}
        megabytes = self.big_size / MEGABYTE
        read = ["dd", "bs=1M", "of=/dev/null", "status=none"]
        listing = ["find", None, "-printf", "%p %y %m %U %G %s %T@\\n"]

        drop_caches()
        with opened(self.source) as (place, _):
            run(["dd", "--version"])
            relative = os.path.relpath(self.big, self.source)
            command = read + [f"if={os.path.join(place, relative)}"]
            figures["read one file cold, MB/s"] = megabytes / run(command)[0]
            figures["read it again, MB/s"] = megabytes / run(command)[0]

        drop_caches()
        with opened(self.source) as (place, _):
            run(["find", "--version"])
            listing[1] = os.path.join(place, os.path.relpath(self.small, self.source))
            figures["find cold, s"] = run(listing)[0]
            figures["find again, s"] = run(listing)[0]

        # Each copy stays to the end, for the reason given at `reset`.
        self.copies += 1
        copy = os.path.join(self.folder, f"copy-{self.copies}")
        drop_caches()
        with opened(self.source) as (place, server):
            run(["cp", "--version"])
            saved = os.path.join(place, os.path.relpath(self.small, self.source))
            figures["cp -a of small files, s"] = run(["cp", "-a", saved, copy])[0]
            if server is not None:
                figures["memory of the mount, MB"] = peak_memory(server.pid) / MEGABYTE
            run(["diff", "-rq", "--no-dereference", self.small, copy])
        return figures


def peak_memory(pid):
    """The most memory a process ever had, in bytes."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise Failure(f"process {pid} does not tell its memory")


def stop(number, _frame):
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--rekkord", required=True)
    parser.add_argument("--stages", required=True)
    parser.add_argument("parts", nargs="+", choices=["stages", "mount", "save"])
    arguments = parser.parse_args()
    # A signal ends the run through every `finally`, so mounts and data go.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with tempfile.TemporaryDirectory(prefix="rekkord-bench-", dir=arguments.folder) as folder:
        bench = Bench(folder, arguments)
        try:
            for part in ("stages", "save", "mount"):
                if part in arguments.parts:
                    getattr(bench, part)()
        except (Failure, subprocess.SubprocessError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
