"""A link as the mount point, to a folder of the repository, of the cache, or of somebody else."""

import os

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "The place is judged where the link leads: neither the repository nor the cache is covered, nor a "
        "folder with content unless `--nonempty` was given"
    )

    def attack(self):
        link = self.path("point")
        for target, reason in (
            (self.repo, "it lies inside the repository"),
            (os.path.join(self.repo, "blobs"), "it lies inside the repository"),
            (self.path("cache"), "it lies above the cache"),
            (self.path("cache", "rekkord"), "it lies inside the cache"),
            (self.folder, "it lies above the repository"),
            (self.outside, "it is not empty"),
            (self.treasure, "it is not a folder"),
            (self.path("nowhere"), "it does not exist"),
        ):
            os.symlink(target, link)
            self.refused("mount", *self.place("Master"), "web", link, status=64, says=reason)
            os.unlink(link)
        with open("/proc/self/mounts", encoding="utf-8") as file:
            self.assertNotIn(self.folder, file.read())
