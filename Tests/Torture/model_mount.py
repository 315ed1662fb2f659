"""The reader of the model: one long-lived mount of the whole repository, which has to show all snapshots."""

import os
import random
import subprocess
import time

from faults import COMMAND_TIMEOUT
from model_views import differences, visible
from place import expect

# How soon a new snapshot is shown by a mount that asks on every look.
PATIENCE_SECONDS = 20
READS = 8


class Mount:
    def __init__(self, world, options):
        self.world = world
        self.point = str(world.folder / "mnt")
        os.makedirs(self.point, exist_ok=True)
        self.log_path = world.folder / "mount.log"
        cache = world.place.work / "cache-reader"
        command = world.command("ReadWrite", cache, "mount", "-f", "--refresh", "0", *options, self.point)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, env=world.place.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + COMMAND_TIMEOUT
        while not os.path.ismount(self.point):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                expect(False, f"the mount does not come up: status {self.process.returncode}: {self.log()}")
            time.sleep(0.005)

    def log(self):
        return self.log_path.read_text(errors="replace")[-2000:]

    def end(self):
        # Busy when somebody else on this machine looks at all mounts just now.
        if subprocess.run(["fusermount3", "-u", self.point], capture_output=True).returncode != 0:
            self.process.terminate()
        try:
            self.process.wait(COMMAND_TIMEOUT)
        finally:
            self.kill()
        expect(self.process.returncode == 0, f"the mount ended with status {self.process.returncode}: {self.log()}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["fusermount3", "-uz", self.point], capture_output=True)

    def look(self, snapshot, seed):
        """All snapshots are listed, and this one shows what the model has, wherever one begins to read."""
        self.wait_for_snapshots()
        chance = random.Random(seed)
        folder = os.path.join(self.point, "snapshots", snapshot.oid)
        expected = {root: visible(rows) for root, rows in snapshot.roots.items()}
        files = [(root, path, row) for root, rows in expected.items() for path, row in rows.items() if row.kind == "file" and row.size]
        for root, path, row in chance.sample(files, min(READS, len(files))):
            self.read_somewhere(os.path.join(folder + root, path) if path else folder + root, row, chance)
        found = {root: self.world.observer.observe(folder + root) for root in snapshot.roots}
        self.world.check(snapshot, found, "the mount", expected)
        self.look_at_channel(snapshot.channel)

    def wait_for_snapshots(self):
        expected = {snapshot.oid for snapshot in self.world.snapshots.values()}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := set(os.listdir(os.path.join(self.point, "snapshots")))) != expected:
            expect(found <= expected, f"the mount has snapshots that nobody made: {found - expected}")
            expect(time.monotonic() < deadline, f"the mount does not show {sorted(expected - found)[:3]}: {self.log()}")
            time.sleep(0.02)

    def read_somewhere(self, path, row, chance):
        content = self.world.observer.contents[row.detail]
        with open(path, "rb", buffering=0) as file:
            for _ in range(3):
                start = chance.randrange(row.size)
                length = chance.choice((1, 4096, 100_000))
                found = os.pread(file.fileno(), length, start)
                expect(found == content[start : start + length], f"the mount: {path!r} at {start}: other bytes")

    def look_at_channel(self, channel):
        folder = os.path.join(self.point, "channels", channel)
        count = sum(snapshot.channel == channel for snapshot in self.world.snapshots.values())
        newest = self.world.newest(channel)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(names := os.listdir(folder)) != count + 1:
            expect(time.monotonic() < deadline, f"the mount shows {len(names) - 1} snapshots of {channel}, not {count}")
            time.sleep(0.02)
        expect("latest" in names, f"the mount shows no latest snapshot of {channel}")
        if newest.roots is not None:
            for root, rows in newest.roots.items():
                shown = self.world.observer.row(os.path.join(folder, "latest") + root)
                wrong = differences({root: {"": rows[""]}}, {root: {"": shown}})
                expect(not wrong, f"the mount: latest of {channel} differs: {wrong}")

    def history(self, path):
        """Below `history` there are the distinct contents that a file ever had."""
        self.wait_for_snapshots()
        expected, is_certain = set(), True
        for snapshot in self.world.snapshots.values():
            row = row_at(snapshot, path)
            is_certain &= snapshot.roots is not None and (row is None or row.kind == "file")
            if row is not None:
                expected.add(row.detail)
        if expected and is_certain:
            folder = os.path.join(self.point, "history") + path
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (found := self.contents(folder)) != expected:
                is_late = time.monotonic() > deadline
                expect(not is_late, f"the mount: history of {path!r} has {len(found)} contents, not {len(expected)}")
                time.sleep(0.02)

    def contents(self, folder):
        return {self.world.observer.row(os.path.join(folder, name)).detail for name in os.listdir(folder)}


def row_at(snapshot, path):
    for root, rows in (snapshot.roots or {}).items():
        if path == root or path.startswith(root + "/"):
            return rows.get(path[len(root) + 1 :])
    return None
