"""A key file and a configuration of root that others can write."""

import os

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = "Root does not use them: status 64, nothing is sent or written"

    def attack(self):
        scenes.need_root()
        ini = self.path("rekkord.ini")
        scenes.put(ini, f"[Repository]\nURL = {self.repo}\nKeyFile = {self.key('Master')}\n[S3]\nSecretKey = secret\n".encode(), 0o600)
        before = scenes.listing(self.repo)
        for path in (self.key("Master"), ini):
            for mode in (0o620, 0o602):
                os.chmod(path, mode)
                self.refused("save", "-C", ini, "web", self.source, status=64, says=f"cannot use '{path}': others can write it")
            os.chmod(path, 0o600)
        self.assertEqual(scenes.listing(self.repo), before)
