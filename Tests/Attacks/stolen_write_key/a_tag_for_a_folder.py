"""A tag that presents a folder as a snapshot."""

import scenes
from rekkord_oracle import blobs, tags
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = "The type is part of the name of a blob: a scan says what is there in place of a snapshot"

    def attack(self):
        folder = self.writer.folder([self.writer.file_entry(b"x", b"1")])
        self.writer.tag(folder, tags.Payload(2**43, 0, 0, 0, b"mail").encode(), self.thief)
        (problem,) = self.assert_found(("type", blobs.object_name("M", folder)))["problems"]
        self.assertIn("not a snapshot but a folder", problem["message"])
