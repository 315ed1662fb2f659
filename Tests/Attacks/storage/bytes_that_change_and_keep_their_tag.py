"""A store that changes the bytes of an object that was scanned lately, and keeps size and entity tag."""

import scenes
from scenes import OUT_OF_REACH, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "A scan believes its memory for `--max-age`, 7 days; `scan --all` names it at once, and no reader "
        "shows it. Scan all where you do not trust the disk"
    )

    def attack(self):
        self.scan()
        version = self.current(self.object_of(scenes.read(self.source + "/notes")))
        tag = version.etag
        version.__class__ = type("Forged", (type(version),), {"etag": property(lambda self: tag)})
        version.body = version.body[:-1] + bytes([version.body[-1] ^ 1])
        self.scan()
        (problem,) = self.scan("--all", status=20)["problems"]
        self.assertEqual(problem["path"], self.below("notes"))
        self.assertNotIn(self.below("notes"), self.restored("web", status=3))
