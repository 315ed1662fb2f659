"""Delete markers over the tags of a snapshot."""

import scenes
from scenes import OUT_OF_REACH, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "The snapshot is not listed, and a scan cannot miss it; the locked tags are below the markers "
        "(`list-object-versions --prefix tags/`). Savers have no right to do it"
    )

    def attack(self):
        tags = self.names("tags/")
        for name in tags:
            self.bucket.delete(name)
        self.assertEqual(self.snapshots(), [])
        self.assertEqual(self.scan()["snapshots"], 0)
        for name in tags:
            good, marker = self.bucket.versions[name]
            self.assertTrue(good.is_locked(self.bucket.now()))
            self.bucket.delete(name, marker.id)
        self.assertEqual(self.restored("web"), self.good_contents())
