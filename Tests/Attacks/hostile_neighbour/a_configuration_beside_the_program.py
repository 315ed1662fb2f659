"""A `rekkord.ini` planted beside the executable that root runs."""

import os
import shutil
import subprocess

import scenes
from program import PROGRAM
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "Root takes it only from root or from the owner of the folder of the executable, and only when nobody"
        " else can write it: status 64"
    )

    def attack(self):
        scenes.need_root()
        program, ini = self.path("bin", "rekkord"), self.path("bin", "rekkord.ini")
        os.mkdir(self.path("bin"))
        shutil.copy2(PROGRAM, program)
        scenes.put(ini, f"[Repository]\nURL = {self.repo}\nKeyFile = {self.key('Master')}\n".encode(), 0o644)

        def run():
            return subprocess.run([program, "snapshots"], env=self.environment, capture_output=True)

        self.assertEqual(run().returncode, 0)
        os.chmod(ini, 0o666)
        for _ in range(2):
            result = run()
            self.assertEqual((result.returncode, result.stdout), (64, b""))
            self.assertIn(b"others can write it", result.stderr)
            os.chmod(ini, 0o644)
            os.chown(ini, scenes.NOBODY, scenes.NOBODY)
