"""Folders of the repository replaced by links, so that a save writes somewhere else."""

import os

import scenes
from scenes import OUT_OF_REACH, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "A repository may lie on several disks, so links in it are followed: whoever owns its folder leads a "
        "save to write encrypted objects under hashed names where the saving user may. Save to a folder that "
        "others own as a user who may write nowhere else"
    )
    saved = False

    def attack(self):
        elsewhere = self.path("elsewhere")
        os.mkdir(elsewhere)
        victim = self.object_of(scenes.read(self.source + "/notes"))
        os.rmdir(self.stored(os.path.dirname(victim)))
        os.symlink(elsewhere, self.stored(os.path.dirname(victim)))
        self.save("web", self.source)
        # One object, named by its hash, of mode 0644 or less, and nothing that was there is replaced.
        self.assertEqual(os.listdir(elsewhere), [os.path.basename(victim)])
        self.assertEqual(os.stat(self.stored(victim)).st_mode & 0o7133, 0)
        self.assertEqual(self.restored("web"), self.good_contents())
