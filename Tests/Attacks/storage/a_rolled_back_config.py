"""An older `rekkord` put back after a change of the cache ID, so that a machine goes on trusting its cache."""

import os

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "It only concerns caches: a machine may not store again what was lost, and a scan still names that. "
        "`reset_cache` on that machine"
    )

    def attack(self):
        old = scenes.read(self.stored("rekkord"))
        os.unlink(self.stored(self.object_of(scenes.read(self.source + "/notes"))))
        self.run_program("change_cid", *self.place("Master"))
        self.plant("rekkord", old)
        self.save("web", self.source)
        self.assert_found(("missing", self.below("notes")))
        # The way back.
        self.run_program("reset_cache", *self.place("WriteOnly"))
        self.save("web", self.source)
        self.scan()
        self.assertEqual(self.restored("web"), self.good_contents())
