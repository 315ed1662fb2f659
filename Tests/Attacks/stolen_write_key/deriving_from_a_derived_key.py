"""New keys, a new cache ID and a new repository with a key that was derived."""

import os

import scenes
from scenes import READ_WRITE_KEY, REFUSED


class Attack(scenes.SavedRepository):
    threat = READ_WRITE_KEY
    end = REFUSED
    outcome = "Only the master key issues keys and writes `rekkord`: status 12, nothing is written"

    def attack(self):
        before = scenes.listing(self.repo)
        for key in ("WriteOnly", "ReadWrite", "LogOnly"):
            for command in (
                ["derive", "-t", "ReadWrite", "-O", self.path("new.key")],
                ["derive", "--offline", "-t", "ReadWrite", "-O", self.path("new.key")],
                ["change_cid"],
            ):
                self.refused(command[0], *self.place(key), *command[1:], status=12, says=f"with {key} key")
            self.refused("init", "-R", self.path("new"), "-K", self.key(key), status=12, says=f"with {key} key")
        self.assertEqual(scenes.listing(self.repo), before)
        self.assertFalse(os.path.exists(self.path("new.key")) or os.path.exists(self.path("new")))
