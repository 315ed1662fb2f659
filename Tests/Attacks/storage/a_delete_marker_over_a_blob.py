"""A delete marker over a locked object."""

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "A lock keeps the version, not its being seen: a scan names the object as missing; remove the marker"
    )

    def attack(self):
        name = self.object_of(scenes.read(self.source + "/notes"))
        self.bucket.delete(name)
        (problem,) = self.scan(status=20)["problems"]
        self.assertEqual((problem["what"], problem["key"]), ("missing", name))
        good, marker = self.bucket.versions[name]
        self.assertTrue(good.is_locked(self.bucket.now()))
        self.bucket.delete(name, marker.id)
        self.assertEqual(self.restored("web"), self.good_contents())
