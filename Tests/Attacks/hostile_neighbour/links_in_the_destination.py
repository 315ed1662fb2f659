"""Links, hard links and pipes planted where a restore writes."""

import os

import scenes
from rekkord_oracle import live
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "Every component below the destination is opened without following links, and every file is a new one"
        " that takes its name: what the link or hard link leads to stays"
    )

    def attack(self):
        self.restored("web")
        base = self.path("restored", self.below())
        os.unlink(f"{base}/notes")
        os.link(self.treasure, f"{base}/notes")
        self.check()
        os.unlink(f"{base}/notes")
        os.symlink(self.treasure, f"{base}/notes")
        self.check()
        os.unlink(f"{base}/notes")
        os.mkfifo(f"{base}/notes")
        self.check()
        for part in ("sub", ""):
            folder = os.path.join(base, part).rstrip("/")
            live.remove_tree(folder)
            os.symlink(self.outside, folder)
            self.check("--delete")

    def check(self, *options):
        self.assertEqual(self.restored("web", "-f", *options, keep=True), self.good_contents())
        self.assertEqual((os.listdir(self.outside), scenes.read(self.treasure)), (["treasure"], scenes.TREASURE))
        # A hard link that was replaced is a link less.
        self.assertEqual(os.stat(self.treasure).st_nlink, 1)
