"""Snapshots signed with a key pair of one's own, and a badge made for it."""

import dataclasses
import os

import scenes
from rekkord_oracle import keys, primitives
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A badge needs the signature of the master key: a scan names it and the snapshots that rest on it"
    )

    def attack(self):
        kid, seed = os.urandom(16), os.urandom(32)
        public = primitives.ed25519_public(seed)
        signed = kid + bytes([keys.WRITE_ONLY]) + public
        badge = signed + primitives.sign(seed, public, signed)
        ghost = dataclasses.replace(self.thief, kid=kid, skey=seed, pkey=public, badge=badge)
        self.writer.save(b"web", [self.writer.file_entry(b"evil", b"evil")], author=ghost)
        (problem,) = self.assert_found(("badge", f"keys/{ghost.kid_text}"))["problems"]
        self.assertIn("not signed by the master key: who made 1 snapshot cannot be proven", problem["message"])
