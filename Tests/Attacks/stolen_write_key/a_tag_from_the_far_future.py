"""A tag whose time lies in the far future, so that it stays the newest of its channel."""

import os

import scenes
from scenes import DETECTED, WRITE_ONLY_KEY

LATEST = 2**63 - 1


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "It is what its key may do, but a scan warns of the tag, and `snapshots -v` shows the time and the key. Name"
        " snapshots by their object ID, and hide the tag as in [repair](repair.md), 6"
    )

    def attack(self):
        evil = self.writer.save(b"web", [self.writer.file_entry(b"evil", b"evil")], time=LATEST, author=self.thief)
        self.save("web", self.source)
        times = {each["object"]: each for each in self.snapshots()}
        self.assertEqual(len(times), 3)
        self.assertEqual(times[evil]["key"], self.thief.kid_text)
        self.run_program("channels", *self.place("Master"))
        self.assertEqual(set(self.restored("web")), {"evil"})
        # Time cannot be answered, and nothing breaks by it.
        with self.mounted() as mount:
            self.assertEqual(len(os.listdir(mount.path("channels", "web"))), 4)
        honest = next(each["object"] for each in self.snapshots() if each["object"] != evil)
        self.assertEqual(self.restored(honest), self.good_contents())
        # The way back.
        tag = times[evil]["tag"]
        told = self.run_program("scan", *self.place("Master")).stderr
        self.assertIn(f"'{tag}' tells a time in the future", os.fsdecode(told))
        os.unlink(self.stored(tag))
        self.assertEqual(self.restored("web"), self.good_contents())
