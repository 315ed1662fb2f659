"""Times at both ends of 64 bits."""

import os

import scenes
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Shown as far as the system can, without overflow; a restore names what the file system cannot hold"
    )

    def attack(self):
        w = self.writer
        entries = []
        for number, time in enumerate((2**63 - 1, -(2**63), -1, 2**53, -(2**53))):
            entries.append(w.file_entry(b"%d" % number, b"content", mtime=time, ctime=time, atime=time, btime=time, flags=7))
        snapshots = [self.writer.save(b"web", [w.folder_entry(b"top", entries)], time=time) for time in (2**63 - 1, -(2**63), 0)]
        for snapshot in snapshots:
            expected = {"top": None} | {f"top/{n}": b"content" for n in range(len(entries))}
            self.assertEqual(self.restored(snapshot, status=None), expected)
            self.assertEqual(self.shown(snapshot), expected)
            self.listed(snapshot)
        self.run_program("snapshots", *self.place("Master"))
        self.run_program("channels", *self.place("Master"), "--stale", "1d", status=None)
        with self.mounted() as mount:
            names = os.listdir(mount.path("channels", "web"))
            self.assertEqual(len(names), 4)
            self.assertFalse([name for name in names if "/" in name])
        self.scan(status=None)
