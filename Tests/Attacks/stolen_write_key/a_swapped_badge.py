"""The badge of another key stored as that of the victim's."""

import scenes
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A badge names its key: a scan names the object, keeps checking the snapshots of that key, and says "
        "that their author cannot be proven. [The way back](repair.md)"
    )

    def attack(self):
        _, other = self.another_key()
        name = f"keys/{self.thief.kid_text}"
        self.plant(name, other.badge)
        (problem,) = self.assert_found(("badge", name))["problems"]
        self.assertIn("badge of another key", problem["message"])
        # With a badge of the right name that vouches for the key of the thief.
        self.plant(name, self.thief.kid + other.badge[16:])
        (problem,) = self.assert_found(("badge", name))["problems"]
        self.assertIn("badge not signed by the master key", problem["message"])
        self.assertEqual(self.restored("web"), self.good_contents())
