"""A link planted where a mount writes its log."""

import os
import subprocess

import scenes
from scenes import MACHINE_USER, OUT_OF_REACH


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = OUT_OF_REACH
    outcome = (
        "A log file may be a link, as for other services; lines are added, nothing is cut off. Put it into a "
        "folder that others cannot write"
    )

    def attack(self):
        log = self.path("log")
        os.symlink(self.path("elsewhere"), log)
        scenes.put(self.path("elsewhere"), b"kept\n", 0o600)
        point = self.path("point")
        os.mkdir(point)
        self.run_program("mount", *self.place("Master"), "--log-file", log, "web", point)
        subprocess.run(["fusermount3", "-u", point], check=True)
        self.assertTrue(scenes.read(self.path("elsewhere")).startswith(b"kept\n"))
