"""Links planted where a new key file is to be written."""

import os

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "A new key is a new file, made exclusively and moved into place: a link is refused, and with "
        "`--force` replaced, never written through"
    )

    def attack(self):
        for target in (self.treasure, self.path("outside", "new"), self.outside):
            place = self.path("new.key")
            os.symlink(target, place)
            arguments = [*self.place("Master"), "-t", "WriteOnly", "-O", place]
            self.refused("derive", *arguments, status=1, says="file exists")
            self.run_program("init", "-g", "-R", self.path("new"), "-K", place, status=None)
            self.assertTrue(os.path.islink(place))
            self.run_program("derive", "-f", *arguments)
            status = os.lstat(place)
            self.assertEqual((status.st_mode & 0o177777, status.st_uid), (0o100600, os.geteuid()))
            os.unlink(place)
        self.assertEqual(os.listdir(self.outside), ["treasure"])
