"""A well-formed blob of other content under the name of a file that another machine saves later."""

import errno

import scenes
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "The hash of the content is compared with the name: a scan names the file, a restore leaves it out, a"
        " mount answers EIO. [The way back](repair.md)"
    )
    saved = False

    def attack(self):
        self.plant(self.object_of(scenes.read(self.source + "/notes")), self.sealed(b"what the thief wants you to read"))
        self.save("web", self.source)
        self.assert_found(("hash", self.below("notes")))
        good = self.good_contents()
        self.assertEqual(self.shown("web"), good | {self.below("notes"): errno.EIO})
        del good[self.below("notes")]
        self.assertEqual(self.restored("web", status=3), good)
