"""A version laid over a good object of a bucket, by somebody whom no policy asks for a condition."""

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "A scan sees it at once by size and entity tag, however lately it read the object; the good version "
        "stays below, locked. [The way back](repair.md), 2"
    )

    def attack(self):
        self.scan()
        name = self.object_of(scenes.read(self.source + "/notes"))
        good = self.current(name)
        for body in (bytes(len(good.body)), good.body[:-1], b""):
            bad = self.bucket.put(name, body)
            (problem,) = self.scan(status=20)["problems"]
            self.assertEqual((problem["key"], problem["path"]), (name, self.below("notes")))
            self.assertIsNone(bad.mode)
        self.assertTrue(good.is_locked(self.bucket.now()))
        self.assertNotIn(self.below("notes"), self.restored("web", status=3))
        for version in self.bucket.versions[name][1:]:
            self.bucket.delete(name, version.id)
        self.assertEqual(self.restored("web"), self.good_contents())
