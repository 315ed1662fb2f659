"""Two files, two folders and two snapshots with their objects exchanged."""

import scenes
from rekkord_oracle import blobs
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "A name is the keyed hash of its content: what lies under another name is damage, however well it "
        "decrypts"
    )

    def attack(self):
        scenes.put(self.source + "/notes", b"the second state")
        self.save("web", self.source)
        snapshots = [each["object"] for each in self.snapshots()]
        pairs = [
            [self.object_of(b"the second state"), self.object_of(scenes.read(self.source + "/sub/more"))],
            [blobs.object_name("M", blobs.parse_object_id(each)[1]) for each in snapshots],
        ]
        for pair in pairs:
            self.exchange(*pair)
            report = self.scan(status=20)
            self.assertEqual({each["key"] for each in report["problems"]}, set(pair))
            self.assertEqual({each["what"] for each in report["problems"]}, {"hash"})
            found = self.restored(snapshots[0], status=None)
            self.assertTrue(found.items() <= self.good_contents().items(), found.keys())
            self.exchange(*pair)
        self.scan()

    def exchange(self, one, other):
        first, second = scenes.read(self.stored(one)), scenes.read(self.stored(other))
        self.plant(one, second)
        self.plant(other, first)
