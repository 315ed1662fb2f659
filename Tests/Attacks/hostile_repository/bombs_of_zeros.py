"""Small blobs that become hundreds of megabytes, many at once."""

import os

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "A plaintext ends at 256 MiB, and large ones are read one at a time: refused, named, and memory stays"
        " bounded in each command"
    )

    def attack(self):
        w = self.writer
        digest = w.blob(blobs.CHUNK, bytes(400_000_000), level=1)
        folder = w.blob(blobs.DIRECTORY, bytes(300_000_000), level=1)
        entries = [w.entry(b"%d" % n, tree.KIND_FILE, hash=digest, mode=0o600, size=1) for n in range(16)]
        entries += [w.entry(b"d%d" % n, tree.KIND_DIRECTORY, hash=folder, mode=0o700) for n in range(4)]
        snapshot = self.save_top(*entries, self.good())
        for command in (
            ["restore", *self.place("Master"), "-j", "8", snapshot, self.path("target")],
            ["scan", *self.place("Master"), "-j", "8"],
            ["list", *self.place("Master"), "-r", snapshot],
        ):
            status, memory = self.peak_memory(*command)
            self.assertIn(status, (1, 3, 20), command[0])
            self.assertLess(memory, 600_000_000, command[0])
        self.assertEqual(scenes.read(self.path("target", "top", "good")), b"good content")
        self.assertEqual(len([name for name in os.listdir(self.path("target", "top")) if name.isdigit()]), 0)
        with self.mounted(snapshot) as mount:
            for n in range(16):
                with self.assertRaises(OSError):
                    scenes.read(mount.path("top", str(n)))
            self.assertLess(peak_of(mount.process.pid), 800_000_000)


def peak_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) * 1024
