"""Measures rekkord beside the bare disk, restic, borg and rclone; called by scripts/bench.

Everything lives in one temporary folder, which is removed at the end together with every mount, however the run ends.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from data import BINARIES, SMALL_FILES, copy_small_files, join_files, read_all, tree_size
from measure import MEGABYTE, Failure, Table, drop_caches, peak_memory, run
from programs import Borg, Floor, RcloneCrypt, Rekkord, Restic
from remote import SMALL_FILES as REMOTE_SMALL_FILES, Remote

# A file whose change is younger than this when it is saved is read again by the next save.
SETTLE_SECONDS = 3


class Bench:
    def __init__(self, folder, arguments):
        self.folder = folder
        self.runs = 1 if arguments.quick else arguments.runs
        self.random_seconds = 2 if arguments.quick else 5
        self.big_byte_count = (256 if arguments.quick else 1000) * MEGABYTE
        self.small_count = 2000 if arguments.quick else 24000
        self.crawl_folders = 50 if arguments.quick else 1000
        self.sample_byte_count = (16 if arguments.quick else 64) * MEGABYTE
        self.rekkord = arguments.rekkord
        self.stages_program = arguments.stages
        self.floor = Floor(folder, arguments.floor)
        self.slowlink = arguments.slowlink
        self.rclone = arguments.rclone
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
        for kind, program in ((Restic, shutil.which("restic")), (Borg, shutil.which("borg")), (RcloneCrypt, self.rclone)):
            if program:
                self.tools.append(kind(self.folder, program))
            else:
                print(f"NOT MEASURED: there is no {kind.name} on this machine")
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
        first, again, work, first_memory, again_memory, size = {}, {}, {}, {}, {}, {}
        for tool in self.tools:
            firsts, agains = [], []
            for _ in range(self.runs):
                tool.reset()
                # The same start for all: the source in the page cache, nothing else waiting for the disk.
                read_all(self.source)
                os.sync()
                firsts.append(tool.save(self.source))
                agains.append(tool.save(self.source))
            first[tool.name] = statistics.median(usage.seconds for usage in firsts)
            again[tool.name] = statistics.median(usage.seconds for usage in agains)
            work[tool.name] = statistics.median(usage.processor for usage in firsts)
            first_memory[tool.name] = max(usage.memory for usage in firsts) / MEGABYTE
            again_memory[tool.name] = max(usage.memory for usage in agains) / MEGABYTE
            size[tool.name] = tree_size(tool.repository) / MEGABYTE
        table = Table(f"save, source in the page cache, median of {self.runs}", [tool.name for tool in self.tools])
        table.row("first, s", first, 2)
        table.row("first, processor seconds", work, 2)
        table.row("unchanged, s", again, 2)
        table.row("peak memory, first, MB", first_memory, 0)
        table.row("peak memory, unchanged, MB", again_memory, 0)
        table.row("repository, MB", size, 0)

    def save_once(self):
        """Has the source saved by each tool that has not done so."""
        self.prepare()
        for tool in self.tools:
            if not tool.resets:
                tool.reset()
                tool.save(self.source)

    def restore(self):
        """All of it into a new folder, round by round; each copy stays to the end, as in `mount_figures`."""
        self.save_once()
        seconds, memory = {}, {}
        for _ in range(self.runs):
            for tool in self.tools:
                self.copies += 1
                target = os.path.join(self.folder, f"copy-{self.copies}")
                # The same start for all: the repository in the page cache, nothing else waiting for the disk.
                read_all(tool.repository)
                os.sync()
                usage = tool.restore(target)
                seconds.setdefault(tool.name, []).append(usage.seconds)
                memory.setdefault(tool.name, []).append(usage.memory / MEGABYTE)
                restored = tool.restored_path(target, self.source)
                run(["diff", "-rq", "--no-dereference", self.source, restored])
        table = Table(f"restore of all, repository in the page cache, median of {self.runs}",
                      [tool.name for tool in self.tools])
        table.row("restore, s", {name: statistics.median(values) for name, values in seconds.items()}, 2)
        table.row("peak memory, MB", {name: max(values) for name, values in memory.items()}, 0)

    def mount(self):
        self.save_once()
        results = {}
        opened = {"floor": self.floor.mounted, "ext4": self.bare} | {tool.name: tool.mounted for tool in self.tools}
        # Round by round, so that what the machine does meanwhile meets all of them.
        for _ in range(self.runs):
            for name in opened:
                for key, value in self.mount_figures(name, opened[name]).items():
                    results.setdefault(key, {}).setdefault(name, []).append(value)
        table = Table(f"mount, median of {self.runs}; ext4 is the source itself, floor a server that does nothing",
                      list(opened))
        for key, values in results.items():
            is_speed = key.endswith(("MB/s", "a second"))
            medians = {name: statistics.median(several) for name, several in values.items()}
            table.row(key, medians, 0 if is_speed or key.endswith("MB") else 3, is_speed)

    @contextlib.contextmanager
    def bare(self, source):
        """The source as if it were a mount."""
        yield source, None

    def mount_figures(self, name, opened):
        figures = {}
        megabytes = self.big_size / MEGABYTE
        read = ["dd", "bs=1M", "of=/dev/null", "status=none"]

        drop_caches()
        with opened(self.source) as (place, _):
            run(["dd", "--version"])
            command = read + [f"if={os.path.join(place, 'big')}"]
            figures["read one file cold, MB/s"] = megabytes / run(command).seconds
            figures["read it again, MB/s"] = megabytes / run(command).seconds

        drop_caches()
        with opened(self.source) as (place, _):
            figures["random 4 KiB cold, a second"] = random_reads(os.path.join(place, "big"), self.random_seconds)
            figures["random 4 KiB again, a second"] = random_reads(os.path.join(place, "big"), self.random_seconds)

        drop_caches()
        with opened(self.source) as (place, _):
            listing = ["find", os.path.join(place, "small"), "-printf", "%s\\n"]
            run(["find", "--version"])
            figures["find cold, s"] = run(listing).seconds
            figures["find again, s"] = run(listing).seconds

        # Each copy stays to the end, for the reason given at `Tool.reset`.
        self.copies += 1
        copy = os.path.join(self.folder, f"copy-{self.copies}")
        drop_caches()
        with opened(self.source) as (place, server):
            run(["cp", "--version"])
            figures["cp -a of small files, s"] = run(["cp", "-a", os.path.join(place, "small"), copy]).seconds
            if server is not None:
                figures["memory of the mount, MB"] = peak_memory(server.pid) / MEGABYTE
            if name != "floor":
                run(["diff", "-rq", "--no-dereference", self.small, copy])
        return figures

    def crawl(self):
        """A million entries, beside the floor and, in the first round, the peers; with the memory that it takes."""
        folders, files = self.crawl_folders, 1000
        source = os.path.join(self.folder, "crawl")
        for folder in range(folders):
            place = os.path.join(source, f"{folder:06}")
            os.makedirs(place)
            for file in range(files):
                os.close(os.open(f"{place}/{file:06}", os.O_CREAT | os.O_WRONLY, 0o644))
        tools = [kind(os.path.join(self.folder, "crawlers"), program) for kind, program in (
            (Rekkord, self.rekkord), (Restic, shutil.which("restic")), (Borg, shutil.which("borg"))) if program]
        tools[0].mount_options = ("--cache-size", "64M")
        for tool in tools:
            tool.reset()
            tool.save(source)
        results = {}
        for turn in range(self.runs):
            opened = {"floor": self.floor.mounted(folders, files)}
            # The peers take minutes each.
            opened |= {tool.name: tool.mounted(source) for tool in (tools if turn == 0 else tools[:1])}
            for name, mounted in opened.items():
                drop_caches()
                with mounted as (place, server):
                    listing = ["find", place, "-size", "1"]
                    figures = {"find -size cold, s": run(listing).seconds, "find -size again, s": run(listing).seconds,
                               "memory, MB": peak_memory(server.pid) / MEGABYTE}
                for key, value in figures.items():
                    results.setdefault(key, {}).setdefault(name, []).append(value)
        table = Table(f"crawl of {folders * files} files in {folders} folders, --cache-size 64M, median of {self.runs}; "
                      "the peers once", ["floor", *(tool.name for tool in tools)])
        for key, values in results.items():
            table.row(key, {name: statistics.median(several) for name, several in values.items()},
                      0 if key.endswith("MB") else 2)

    def remote(self):
        """Reading over a link with a delay, beside plain parallel requests."""
        remote = Remote(self.folder, self.rekkord, self.slowlink, self.big_byte_count * 3 // 2)
        print(f"\nover a link of 50 ms with 16 connections, of 40 ms with 32; median of {self.runs}")

        def line(label, value, limit):
            print(f"  {label:58}{value:>9.2f}   {limit}", flush=True)

        for milliseconds, connections in ((50, 16), (40, 32)):
            speeds = [remote.read_large_file(milliseconds, connections) for _ in range(self.runs)]
            plain, direct, ours = (statistics.median(column) for column in zip(*speeds))
            ratio = statistics.median(ours / min(plain, direct) for plain, direct, ours in speeds)
            line(f"one file, {milliseconds} ms: {ours:.0f} MB/s; plain {plain:.0f}, no delay {direct:.0f}", ratio, "at least 0.8")
        for shape in ("wide", "deep"):
            figures = [remote.find(shape, 50, 16) for _ in range(self.runs)]
            count, trips, again = (statistics.median(column) for column in zip(*figures))
            line(f"find, {shape}: {trips:.0f} round trips for {count:.0f} requests", trips / count, "at most 0.1")
            line(f"find, {shape}, in a new mount: requests", again, "at most 5")
        figures = [remote.save_small_files(40, 32) for _ in range(self.runs)]
        count, trips, busy = (statistics.median(column) for column in zip(*figures))
        line(f"save of {REMOTE_SMALL_FILES} small files: {trips:.0f} round trips for {count:.0f} requests, {busy:.0f} at once",
             trips / REMOTE_SMALL_FILES, "at most 0.05")
        trips = statistics.median(remote.copy_small_files(40, 32) for _ in range(self.runs))
        line(f"cp -a of {REMOTE_SMALL_FILES} small files: {trips:.0f} round trips", trips / REMOTE_SMALL_FILES, "at most 0.05")


def random_reads(path, seconds):
    """How many random 4 KiB blocks of a file one thread reads a second; the same ones in each call."""
    result = subprocess.run(
        ["fio", "--readonly", "--name=random", f"--filename={path}", "--rw=randread", "--bs=4k", "--ioengine=psync",
         "--invalidate=0", "--time_based", f"--runtime={seconds}", "--output-format=json"],
        stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return json.loads(result.stdout)["jobs"][0]["read"]["iops"]


def stop(number, _frame):
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--rekkord", required=True)
    parser.add_argument("--stages", required=True)
    parser.add_argument("--floor", required=True)
    parser.add_argument("--slowlink", required=True)
    parser.add_argument("--rclone")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("parts", nargs="+", choices=["stages", "save", "restore", "mount", "crawl", "remote"])
    arguments = parser.parse_args()
    # A signal ends the run through every `finally`, so mounts and data go.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with tempfile.TemporaryDirectory(prefix="rekkord-bench-", dir=arguments.folder) as folder:
        bench = Bench(folder, arguments)
        try:
            for part in ("stages", "save", "restore", "mount", "crawl", "remote"):
                if part in arguments.parts:
                    getattr(bench, part)()
        except (Failure, subprocess.SubprocessError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
