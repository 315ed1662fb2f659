"""Fragments planted beside those of an honest tag, to make it unreadable."""

import scenes
from rekkord_oracle.primitives import base64url
from scenes import REFUSED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = REFUSED
    outcome = "Any fragment that opens is good; planted ones do not open and hide nothing"

    def attack(self):
        (honest,) = self.snapshots()
        (name,) = self.names("tags/P")
        stem = name[: len("tags/P/") + 36]
        for number in range(20):
            self.plant(stem + base64url(bytes([number]) + bytes(60)), b"")
            self.plant(f"{name[:39]}_{number + 1:02d}_{base64url(bytes(60))}", b"")
        self.plant(stem + "not base64", b"")
        self.assertEqual(self.snapshots(), [honest])
        self.assertEqual(self.restored("web"), self.good_contents())
