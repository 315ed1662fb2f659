"""Environment variables that name another repository, key, configuration and cache."""

import os

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "The command line beats the configuration, which beats the environment; a unit or a cron job that "
        "names both reaches no other repository. The proxy and the certificates of the system can be chosen by variables, "
        "as everywhere"
    )

    def attack(self):
        evil = self.path("outside")
        self.environment |= {
            "REKKORD_REPOSITORY": evil, "REKKORD_KEY_FILE": self.treasure, "REKKORD_KEYFILE": self.treasure,
            "S3_ACCESS_KEY_ID": "EVIL", "S3_SECRET_ACCESS_KEY": "evil", "S3_ENDPOINT": "http://127.0.0.1:1/evil",
            "AWS_REGION": "evil", "TMPDIR": evil, "XDG_CONFIG_HOME": evil,
        }  # fmt: skip
        ini = self.path("rekkord.ini")
        scenes.put(ini, f"[Repository]\nURL = {self.repo}\nKeyFile = {self.key('WriteOnly')}\n[Cache]\nDirectory = {self.path('own')}\n".encode())
        self.run_program("save", "-C", ini, "web", self.source)
        self.assertEqual(len(self.snapshots()), 2)
        self.assertEqual(os.listdir(self.path("own"))[0][:1].isalnum(), True)
        self.assertEqual(self.restored("web"), self.good_contents())
        self.environment["REKKORD_CONFIG_FILE"] = self.treasure
        self.run_program("snapshots", *self.place("Master"), status=64)
        self.run_program("snapshots", "--no-config", *self.place("Master"))
