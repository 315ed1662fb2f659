"""Every command that reads, with a key that only writes."""

import os

import scenes
from scenes import REFUSED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = REFUSED
    outcome = "Status 12 before the first request; the key file does not hold what opens blobs or tags"

    def attack(self):
        oid = self.snapshots()[0]["object"]
        point = self.path("point")
        os.mkdir(point)
        for command in (
            ["snapshots"], ["channels"], ["list", oid], ["list", "web"], ["restore", oid, self.path("target")],
            ["mount", oid, point], ["scan"],
        ):  # fmt: skip
            name, *rest = command
            self.refused(name, *self.place("WriteOnly"), *rest, status=12, says="with WriteOnly key")
        self.assertFalse(os.path.exists(self.path("target")))
        self.assertIsNone(self.thief.dkey)
        self.assertIsNone(self.thief.lkey)
