"""A server that sends gigabytes in place of an object."""

import scenes
from scenes import REFUSED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "Every object has a largest size, which is not exceeded in memory: 256 MiB for a blob, 4203 bytes for"
        " `rekkord`"
    )

    def attack(self):
        self.hurry()
        huge = bytes(300 << 20)
        self.lie(lambda request, ask: (200, {}, huge) if request == "GET rekkord" else ask())
        status, memory = self.peak_memory("snapshots", *self.place())
        self.assertEqual(status, 1)
        self.assertLess(memory, 100 << 20)
        blob = "GET " + self.object_of(scenes.read(self.source + "/notes"))
        self.lie(lambda request, ask: (200, {}, huge) if request == blob else ask())
        status, memory = self.peak_memory("restore", *self.place(), "web", self.path("x"))
        self.assertEqual(status, 3)
        self.assertLess(memory, 450 << 20)
        good = self.good_contents()
        del good[self.below("notes")]
        self.assertEqual(scenes.contents(self.path("x")), good)
