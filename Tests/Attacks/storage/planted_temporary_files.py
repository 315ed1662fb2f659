"""The folder for temporary files full of links to files of the saver."""

import os
import random
import string

import scenes
from scenes import REFUSED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "Temporary files have random names and are made exclusively: nothing that lies there is opened, and "
        "none of it is an object"
    )
    saved = False

    def attack(self):
        letters = string.ascii_lowercase + string.digits
        for _ in range(300):
            name = "".join(random.choices(letters, k=24)) + ".tmp"
            os.symlink(self.treasure, self.stored(f"tmp/{name}"))
            os.utime(self.stored(f"tmp/{name}"), (1, 1), follow_symlinks=False)
        self.save("web", self.source)
        self.assertEqual(scenes.read(self.treasure), scenes.TREASURE)
        self.scan()
        self.assertEqual(self.restored("web"), self.good_contents())
