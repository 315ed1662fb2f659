"""Garbage under the name of a file that another machine saves later."""

import scenes
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A save trusts names and does not notice. A scan names the file; no reader hands anything out. [The "
        "way back](repair.md)"
    )
    saved = False

    def attack(self):
        victim = self.object_of(scenes.read(self.source + "/notes"))
        self.plant(victim, b"\x07\x00" + bytes(500))
        self.save("web", self.source)
        (problem,) = self.assert_found(("decrypt", self.below("notes")))["problems"]
        self.assertEqual(problem["key"], victim)
        good = self.good_contents()
        del good[self.below("notes")]
        self.assertEqual(self.restored("web", status=3), good)
        self.assertIn("it does not decrypt", self.messages)
