"""Thousands of objects that no snapshot needs."""

import os

import scenes
from scenes import OUT_OF_REACH, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = OUT_OF_REACH
    outcome = (
        "Whoever may write may fill the storage. Commands work as ever, and a scan counts the orphans without"
        " reading them; set an alarm on the size of the bucket"
    )

    def attack(self):
        number = 100_000 // scenes.SCALE
        for _ in range(number):
            name = os.urandom(32).hex().upper()
            self.plant(f"blobs/R/{name[:2]}/{name}", b"7" * 107)
        report = self.scan()
        self.assertEqual(report["orphans"], {"count": number, "bytes": number * 107})
        self.assertEqual(report["problems"], [])
        self.save("web", self.source)
        self.assertEqual(self.restored("web"), self.good_contents())
