"""Folders of the disk cache replaced by links, so that objects are written and deleted elsewhere."""

import os
import pathlib
import shutil

import scenes
from scenes import CACHE_WRITER, REFUSED


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = REFUSED
    outcome = (
        "No folder below the cache of a repository is reached through a link: nothing is written or removed "
        "there"
    )

    def attack(self):
        options = ["--disk-cache-size", "64M"]
        self.shown("web", *options)
        (root,) = pathlib.Path(self.path("cache")).rglob("objects.*")
        for shard in list(root.iterdir()):
            shutil.rmtree(shard)
            shard.symlink_to(self.outside)
        self.assertEqual(self.shown("web", *options), self.good_contents())
        shutil.rmtree(root)
        root.symlink_to(self.outside)
        self.assertEqual(self.shown("web", *options), self.good_contents())
        self.run_program("change_cid", *self.place("Master"))
        self.shown("web", *options)
        self.run_program("reset_cache", *self.place("Master"), "--all", status=None)
        self.assertEqual(os.listdir(self.outside), ["treasure"])
