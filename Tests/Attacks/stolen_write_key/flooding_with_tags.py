"""Thousands of tags that mean nothing."""

import os

import scenes
from rekkord_oracle.primitives import base64url
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = "Readers warn and go on; a scan names the objects, to be hidden"

    def attack(self):
        (honest,) = self.snapshots()
        number = 25_000 // scenes.SCALE
        for _ in range(number):
            self.plant(f"tags/M/{self.thief.kid_text}/{base64url(os.urandom(187))}", b"")
        self.assertEqual(self.snapshots(warning="ignoring tag"), [honest])
        report = self.scan(status=20)
        self.assertEqual((report["unusable_tags"], report["snapshots"]), (number, 1))
        self.assertEqual(self.restored("web"), self.good_contents())
