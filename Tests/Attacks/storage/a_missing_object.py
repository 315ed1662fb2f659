"""Objects removed, one of each kind."""

import os

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "Named by a scan with every path that needs it. Locks keep it from happening; [the way "
        "back](repair.md) needs a machine that still has the content"
    )

    def attack(self):
        good = self.good_contents()
        for name in self.names("blobs"):
            data = scenes.read(self.stored(name))
            os.unlink(self.stored(name))
            (problem,) = self.scan(status=20)["problems"]
            self.assertEqual((problem["what"], problem["key"]), ("missing", name))
            found = self.restored("web", status=None)
            self.assertTrue(found.items() <= good.items())
            self.assertIn("object is missing", self.messages)
            self.plant(name, data)
        self.scan()
