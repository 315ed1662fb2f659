"""An honest snapshot of one channel tagged as another time and channel."""

import scenes
from rekkord_oracle import blobs, tags
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = "A scan compares each tag with its snapshot and names the one that says something else"

    def attack(self):
        (honest,) = self.snapshots()
        digest = blobs.parse_object_id(honest["object"])[1]
        main, _ = self.writer.tag(digest, tags.Payload(2**43, 0, 0, 0, b"mail").encode(), self.thief)
        (problem,) = self.assert_found(("tag", main))["problems"]
        self.assertIn("channel, time, size, stored size, added size of the tag and of the snapshot differ", problem["message"])
