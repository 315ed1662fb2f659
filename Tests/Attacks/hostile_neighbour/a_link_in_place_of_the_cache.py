"""Links in the cache that lead to a file of the victim."""

import os

import scenes
from scenes import CACHE_WRITER, REFUSED


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = REFUSED
    outcome = (
        "Links in place of the files of the cache are not followed: one warning, and the file that they lead "
        "to is not touched, nor made"
    )

    def attack(self):
        self.scan()
        (folder,) = os.listdir(self.path("cache", "rekkord"))
        for name, command in (("cache.sqlite", ["save", "web", self.source]), ("scan.sqlite", ["scan"])):
            path = self.path("cache", "rekkord", folder, name)
            for target in (self.treasure, self.path("outside", "new")):
                for each in (path, path + "-wal", path + "-shm"):
                    if os.path.lexists(each):
                        os.unlink(each)
                os.symlink(target, path)
                result = self.run_program(command[0], *self.place("Master"), *command[1:])
                self.assertEqual(result.stderr.count(b"warning: cannot use cache"), 1, result.stderr)
        self.assertEqual(os.listdir(self.outside), ["treasure"])
