"""Readers that copy, list, are killed and lose their mount, while the storage fails, hangs, cuts off and flips bits.

    REKKORD_CHAOS_SEED      default 1
    REKKORD_CHAOS_SECONDS   default 10; scripts/accept takes ten minutes
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

from fixture import S3Case
from gate import Fault
from program import COMMAND_TIMEOUT, MOUNT_TIMEOUT, Mount, need_fuse

SEED = int(os.environ.get("REKKORD_CHAOS_SEED", 1))
SECONDS = float(os.environ.get("REKKORD_CHAOS_SECONDS", 10))
READERS = 6
READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chaos_reader.py")


def faults(seed, rate=0.01):
    """Each kind with the rate; bits of listings are left alone, since only TLS protects them."""
    kinds = ("status-500", "status-503", "reset-before", "stall", "cut-body", "garbage", "pause")
    return [Fault(kind, rate, seed=seed + number) for number, kind in enumerate(kinds)] + [
        Fault("flip", rate, match="GET .*", seed=seed)
    ]


class ChaosTests(S3Case):
    """No wrong byte, no name that is missing, nobody who waits for good."""

    def setUp(self):
        super().setUp()
        need_fuse()
        chance = random.Random(SEED)
        files = {f"{n % 20}/{n % 7}/{n}": chance.randbytes(chance.choice((0, 10, 3000, 70_000))) for n in range(240)}
        self.make_tree(files | {"large": chance.randbytes(12 << 20), "0/medium": chance.randbytes(3 << 20)})
        self.initialize()
        self.save_tree()
        self.role, self.gate.command = "read", "mount"

    def test_parallel_readers_over_failing_storage(self):
        chance = random.Random(SEED)
        end = time.monotonic() + SECONDS
        self.rounds = self.ended = self.killed = self.unmounted = 0
        while time.monotonic() < end or not (self.ended and self.killed and self.unmounted):
            self.gate.faults = faults(chance.randrange(1 << 30))
            self.run_round(chance, end)
            self.rounds += 1
        self.assertGreater(len(self.gate.struck), 0)
        kinds = {kind for kind, _ in self.gate.struck}
        print(f"{self.rounds} mounts, {self.ended} readers ended, {self.killed} killed, {self.unmounted} lost their mount, "
              f"{len(self.gate.struck)} of {len(self.gate.requests)} requests failed in {len(kinds)} ways",
              file=sys.stderr)  # fmt: skip
        # A storage in order again shows all of it.
        self.gate.faults = []
        with self.mounted("web") as mount:
            compared = subprocess.run(
                ["diff", "-r", self.tree, mount.path(self.tree[1:])], capture_output=True, timeout=COMMAND_TIMEOUT
            )
            self.assertEqual((compared.returncode, compared.stdout, compared.stderr), (0, b"", b""))

    def run_round(self, chance, end):
        """One mount, with readers that come and go, until it is unmounted under them."""
        try:
            mount = Mount(self, ["--cache-size", chance.choice(("4M", "64M")), "web"], "Master")
        except AssertionError:
            # The storage failed all attempts; the next mount is another one.
            return
        self.addCleanup(subprocess.run, ["fusermount3", "-uz", mount.point], capture_output=True)
        self.addCleanup(mount.process.kill)
        readers = []
        try:
            until = min(end, time.monotonic() + chance.uniform(5, 40))
            while time.monotonic() < until:
                readers = self.reap(readers)
                while len(readers) < READERS:
                    readers.append(self.reader(mount, chance))
                if chance.random() < 0.05:
                    victim = readers.pop(chance.randrange(len(readers)))
                    self.kill(victim)
                time.sleep(0.05)
            self.end_under_load(mount, chance)
            for reader in readers:
                self.finish(reader)
                self.unmounted += 1
        finally:
            for reader in readers:
                reader.kill()
        self.assertNotIn("Fatal", mount.log())
        self.assertNotIn("Sanitizer", mount.log())

    def reader(self, mount, chance):
        target = self.path(f"copy-{chance.randrange(1 << 40):x}")
        command = [sys.executable, "-B", READER, self.tree, mount.path(self.tree[1:]), mount.point, target]
        reader = subprocess.Popen(
            [*command, str(chance.randrange(1 << 30))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        reader.deadline = time.monotonic() + COMMAND_TIMEOUT
        reader.target = target
        return reader

    def reap(self, readers):
        for reader in readers:
            if reader.poll() is not None:
                self.finish(reader)
                self.ended += 1
            else:
                self.assertLess(time.monotonic(), reader.deadline, "a reader waits for good")
        return [reader for reader in readers if reader.returncode is None]

    def finish(self, reader):
        output, _ = reader.communicate(timeout=COMMAND_TIMEOUT)
        self.assertEqual(reader.returncode, 0, output.decode(errors="replace"))
        shutil.rmtree(reader.target, ignore_errors=True)

    def kill(self, reader):
        """Whatever it waits for, a killed reader ends."""
        reader.kill()
        reader.communicate(timeout=MOUNT_TIMEOUT)
        shutil.rmtree(reader.target, ignore_errors=True)
        self.killed += 1

    def end_under_load(self, mount, chance):
        if chance.random() < 0.5:
            mount.process.send_signal(signal.SIGTERM)
        else:
            subprocess.run(["fusermount3", "-uz", mount.point], check=True)
            # Open files keep the connection of a mount that was taken out of the tree: until then it serves them.
            mount.process.send_signal(signal.SIGTERM)
        self.assertEqual(mount.process.wait(MOUNT_TIMEOUT), 0, mount.log())
        self.assertFalse(os.path.ismount(mount.point))
