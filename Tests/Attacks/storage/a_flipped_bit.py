"""One bit of each kind of object flipped."""

import errno

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "Every byte of a blob is authenticated: EIO in a mount, status 3 of a restore, status 20 of a scan, "
        "each naming the object"
    )

    def attack(self):
        good = self.good_contents()
        for name in self.names("blobs"):
            data = scenes.read(self.stored(name))
            for offset in (0, 1, 40, 90, len(data) // 2 + 53, len(data) - 1):
                changed = bytearray(data)
                changed[offset] ^= 0x10
                self.plant(name, bytes(changed))
                (problem,) = self.scan(status=20)["problems"]
                self.assertEqual(problem["key"], name)
            if name == self.object_of(good[self.below("notes")]):
                self.assertEqual(self.shown("web"), good | {self.below("notes"): errno.EIO})
                del good[self.below("notes")]
                self.assertEqual(self.restored("web", status=3), good)
                good = self.good_contents()
            self.plant(name, data)
        self.scan()
        self.assertEqual(self.restored("web"), good)
