"""The whole repository put back to an older state."""

import shutil

import scenes
from scenes import OUT_OF_REACH, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "A reader cannot know that there should be something newer. `channels --stale 2d` in a timer makes it"
        " visible; object locks and a second copy prevent it"
    )

    def attack(self):
        old = self.writer.save(b"old", [self.writer.file_entry(b"x", b"1")])
        shutil.copytree(self.repo, self.path("copy"))
        self.save("web", self.source)
        shutil.rmtree(self.repo)
        shutil.copytree(self.path("copy"), self.repo)
        self.scan()
        self.assertEqual(len(self.snapshots()), 2)
        result = self.run_program("channels", *self.place("Master"), "--stale", "2d", status=3)
        self.assertIn(b"old", result.stdout)
        self.assertNotIn(b"web", result.stdout)
        self.assertEqual(self.restored(old), {"x": b"1"})
