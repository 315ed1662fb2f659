"""Snapshots tagged with a key that may only list them."""

import scenes
from rekkord_oracle import blobs, keys
from scenes import DETECTED, LOG_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = LOG_ONLY_KEY
    end = DETECTED
    outcome = "Its badge says that it cannot save: a scan names the badge and the tags that rest on it"

    def attack(self):
        thief = keys.load_key(self.key("LogOnly"))
        (honest,) = self.snapshots(key="LogOnly")
        digest = blobs.parse_object_id(honest["object"])[1]
        self.writer.tag(digest, self.tag_of(honest["object"]).payload.encode(), thief)
        (problem,) = self.assert_found(("badge", f"keys/{thief.kid_text}"))["problems"]
        self.assertIn("badge of a key that cannot save", problem["message"])
