"""Programs planted among the hooks of root."""

import os

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "Root runs no hook that somebody else owns or can write, nor any from such a folder: status 64, and "
        "none is run"
    )

    def attack(self):
        scenes.need_root()
        hooks, ini, proof = self.path("hooks"), self.path("rekkord.ini"), self.path("proof")
        hook = os.path.join(hooks, "hook")
        scenes.put(hook, f"#!/bin/sh\ntouch {proof}\n".encode(), 0o755)
        scenes.put(ini, f"[Hooks]\nPreSaveDirectory = {hooks}\nPostSaveDirectory = {hooks}\n".encode())
        tags = self.names("tags/M")
        for path, owner, mode in ((hooks, 0, 0o777), (hooks, scenes.NOBODY, 0o755), (hook, 0, 0o757), (hook, scenes.NOBODY, 0o755)):
            os.chown(path, owner, owner)
            os.chmod(path, mode)
            self.refused("save", "-C", ini, *self.place("WriteOnly"), "web", self.source, status=64, says="others can write it")
            os.chown(path, 0, 0)
            os.chmod(path, 0o755)
        self.assertFalse(os.path.exists(proof))
        self.assertEqual(self.names("tags/M"), tags)
        self.run_program("save", "-C", ini, *self.place("WriteOnly"), "web", self.source)
        self.assertTrue(os.path.exists(proof))
