"""A umask of 0, under which every new file could be open to all."""

import os
import stat

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "Keys are 0600, the cache 0700 and 0600, and a restored file gets its mode only when its content is "
        "complete; none depends on the umask"
    )

    def attack(self):
        scenes.put(self.source + "/private", b"private", 0o600)
        loose = {"preexec_fn": lambda: os.umask(0)}
        self.run_program("init", "-g", "-R", self.path("new"), "-K", self.path("new.key"), **loose)
        self.run_program("derive", "-K", self.path("new.key"), "--offline", "-t", "WriteOnly", "-O", self.path("w.key"), **loose)
        self.save("web", self.source, **loose)
        self.run_program("scan", *self.place("Master"), **loose)
        self.run_program("restore", *self.place("Master"), "web", self.path("target"), **loose)
        for path in ("new.key", "w.key"):
            self.assertEqual(self.mode(self.path(path)), 0o600)
        self.assertEqual(self.mode(self.path("target", self.below("private"))), 0o600)
        for folder, folders, names in os.walk(self.path("cache", "rekkord")):
            self.assertEqual(self.mode(folder), 0o700, folder)
            for name in names:
                self.assertEqual(self.mode(os.path.join(folder, name)) & 0o177, 0, name)
        for folder, _, names in os.walk(self.path("new")):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                self.assertEqual(self.mode(path) & 0o022, 0, path)

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)
