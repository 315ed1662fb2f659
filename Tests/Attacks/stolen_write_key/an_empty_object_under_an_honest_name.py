"""An empty object under the name of a file that another machine saves later."""

import scenes
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = "As any garbage: a scan names the file, and nobody shows an empty one in its place"
    saved = False

    def attack(self):
        self.plant(self.object_of(scenes.read(self.source + "/notes")), b"")
        self.save("web", self.source)
        self.assert_found(("decrypt", self.below("notes")))
        self.assertNotIn(self.below("notes"), self.restored("web", status=3))
