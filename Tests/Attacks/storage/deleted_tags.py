"""The tags of the newest snapshots deleted, so that they are not listed."""

import os

import scenes
from scenes import OUT_OF_REACH, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "What nobody lists nobody misses; `channels --stale` shows the gap and a scan counts orphans. Whoever"
        " noted the object ID of the save can still restore it"
    )

    def attack(self):
        (snapshot,) = self.snapshots()
        for name in self.names("tags"):
            os.unlink(self.stored(name))
        self.assertEqual(self.scan()["snapshots"], 0)
        self.refused("restore", *self.place("Master"), "web", self.path("x"), status=1, says="cannot find 'web'")
        self.assertEqual(self.scan()["orphans"]["count"], len(self.names("blobs")))
        self.assertEqual(self.restored(snapshot["object"]), self.good_contents())
