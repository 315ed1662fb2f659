"""Snapshots of a key whose badge was never stored."""

import os

import scenes
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A scan warns for a day, which a save in progress may take, then names it as damage; a time in the "
        "future gains no grace"
    )

    def attack(self):
        _, other = self.another_key()
        entry = self.writer.file_entry(b"evil", b"evil")
        badge = f"keys/{other.kid_text}"
        for time in (1_000_000_000_000, 2**53):
            self.writer.save(b"web", [entry], time=time, author=other)
            os.unlink(self.stored(badge))
        (problem,) = self.assert_found(("badge", badge))["problems"]
        self.assertEqual(problem["snapshots"], 2)
