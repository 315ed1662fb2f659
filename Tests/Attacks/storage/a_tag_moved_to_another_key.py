"""A tag renamed so that it claims another author, one with a badge and one without."""

import os

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "The claimed key did not sign it: a scan names the tag. `snapshots -v` shows what a tag claims, not "
        "what is proven"
    )

    def attack(self):
        (snapshot,) = self.snapshots()
        _, other = self.another_key()
        self.plant(f"keys/{other.kid_text}", other.badge)
        claimed = f"tags/M/{other.kid_text}/" + snapshot["tag"].rpartition("/")[2]
        os.makedirs(os.path.dirname(self.stored(claimed)))
        os.rename(self.stored(snapshot["tag"]), self.stored(claimed))
        self.assertEqual([each["key"] for each in self.snapshots()], [other.kid_text])
        self.assert_found(("signature", claimed))
        as_master = "tags/M/" + "0" * 32 + "/" + claimed.rpartition("/")[2]
        self.plant(as_master, b"")
        os.unlink(self.stored(claimed))
        self.assertEqual(self.snapshots(warning="wrong signature"), [])
