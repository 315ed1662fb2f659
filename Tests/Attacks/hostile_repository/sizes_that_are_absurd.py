"""Files that claim sizes of 2^63 bytes, fewer than none, or nothing."""

import os

import scenes
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "The size of an entry is a hint: what the checked blob holds is what is shown, and nothing is "
        "allocated for a claim"
    )

    def attack(self):
        sizes = (0, 1, 2**63 - 1, -1, -(2**63))
        snapshot = self.save_top(*(self.writer.file_entry(b"%d" % n, b"five5", size=size) for n, size in enumerate(sizes)))
        expected = {"top": None} | {f"top/{n}": b"five5" for n in range(len(sizes))}
        self.assertEqual(self.restored(snapshot, status=None), expected)
        self.assertEqual(self.shown(snapshot), expected)
        self.listed(snapshot)
        with self.mounted(snapshot) as mount:
            os.statvfs(mount.point)
        status, memory = self.peak_memory("restore", *self.place("Master"), snapshot, self.path("again"))
        self.assertLess(memory, 200 << 20)
