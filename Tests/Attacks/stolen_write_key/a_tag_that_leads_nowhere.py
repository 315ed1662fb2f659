"""A tag for a snapshot that was never stored."""

import os

import scenes
from rekkord_oracle import blobs, tags
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A reader that asks for it gets an error; a scan names the missing object, and everything else stays "
        "checked. Hide the tag"
    )

    def attack(self):
        digest = os.urandom(32)
        self.writer.tag(digest, tags.Payload(2**43, 1, 1, 1, b"web").encode(), self.thief)
        self.assert_found(("missing", blobs.object_name("M", digest)))
        self.assertEqual(self.restored("web", status=1), {})
        self.assertIn("object is missing", self.messages)
        self.assertEqual(self.restored(self.snapshots()[0]["object"]), self.good_contents())
