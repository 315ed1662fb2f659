"""A key file and a configuration with a secret that others can read."""

import os

import scenes
from scenes import DETECTED, MACHINE_USER


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = DETECTED
    outcome = (
        "A warning that names the file and `chmod 600`. Take the key as read: derive a new one, and new "
        "credentials"
    )

    def attack(self):
        os.chmod(self.key("Master"), 0o644)
        result = self.run_program("snapshots", *self.place("Master"))
        self.assertIn(f"warning: '{self.key('Master')}': others can read it, use 'chmod 600'".encode(), result.stderr)
        os.chmod(self.key("Master"), 0o600)
        ini = self.path("rekkord.ini")
        scenes.put(ini, f"[Repository]\nURL = {self.repo}\nKeyFile = {self.key('Master')}\n[S3]\nSecretKey = secret\n".encode(), 0o640)
        result = self.run_program("snapshots", "-C", ini)
        self.assertIn(f"warning: '{ini}': others can read it, use 'chmod 600'".encode(), result.stderr)
        os.chmod(ini, 0o600)
        self.assertEqual(self.run_program("snapshots", "-C", ini).stderr, b"")
