"""Objects cut off at every kind of place, or with bytes added."""

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "The last message of a blob is marked as the last, and nothing may follow: never a shorter file, "
        "always an error"
    )

    def attack(self):
        name = self.object_of(scenes.read(self.source + "/sub/more"))
        data = scenes.read(self.stored(name))
        good = self.good_contents()
        del good[self.below("sub/more")]
        for changed in (b"", data[:1], data[:106], data[:107], data[:-17], data[:-1], data + b"\0", data + data):
            self.plant(name, changed)
            (problem,) = self.scan(status=20)["problems"]
            self.assertEqual(problem["path"], self.below("sub/more"))
            self.assertIn(problem["what"], ("decrypt", "structure"))
        self.assertEqual(self.restored("web", status=3), good)
