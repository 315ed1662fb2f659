"""A write-only key file edited so that it claims to read."""

import os

import scenes
from rekkord_oracle import keys
from scenes import REFUSED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = REFUSED
    outcome = "A key file is signed as a whole; and the secrets that read are not in it. Status 12"

    def attack(self):
        with open(self.key("WriteOnly"), encoding="ascii") as file:
            raw = bytearray(keys.decode_pem(file.read()))
        raw[21] = keys.READ_WRITE
        scenes.put(self.path("edited.key"), keys.encode_pem(bytes(raw)).encode(), 0o600)
        for command in (["list", "web"], ["snapshots"], ["restore", "web", self.path("target")]):
            self.refused(command[0], "-R", self.repo, "-K", self.path("edited.key"), *command[1:], status=12, says="tampered with")
        self.assertFalse(os.path.exists(self.path("target")))
