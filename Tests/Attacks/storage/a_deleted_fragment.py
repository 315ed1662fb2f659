"""A part of a tag deleted, and the badge of its author."""

import os

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "Readers warn that the tag is incomplete, and a scan names it. The object ID still leads to the "
        "snapshot; the next save stores the badge again"
    )

    def attack(self):
        (snapshot,) = self.snapshots()
        (fragment,) = self.names("tags/P")
        os.unlink(self.stored(fragment))
        self.assertEqual(self.snapshots(warning="fragment 0 is missing"), [])
        self.assert_found(("fragment", snapshot["tag"]))
        self.assertEqual(self.restored(snapshot["object"]), self.good_contents())
        self.plant(fragment, b"")
        os.unlink(self.stored(self.names("keys")[0]))
        result = self.run_program("scan", *self.place("Master"))
        self.assertIn(b"cannot be proven yet", result.stderr)
        self.save("web", self.source)
        self.scan()
