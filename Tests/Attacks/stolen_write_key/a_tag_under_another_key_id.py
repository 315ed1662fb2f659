"""A tag that claims to be made by the key of another machine."""

import scenes
from rekkord_oracle import blobs, keys, tags
from scenes import DETECTED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A scan checks the signature with the badge of the claimed key, names the tag and does not use it. "
        "Readers do not fetch badges: see `snapshots -v`, and scan"
    )

    def attack(self):
        _, honest = self.another_key()
        self.writer.put(f"keys/{honest.kid_text}", honest.badge)
        claimed = keys.KeySet(**{**vars(self.thief), "kid": honest.kid, "badge": None})
        digest = blobs.parse_object_id(self.snapshots()[0]["object"])[1]
        payload = tags.Payload(1, 2, 3, 4, b"web").encode()
        main, names = self.writer.tag(digest, payload, claimed)
        report = self.assert_found(("signature", main))
        self.assertEqual(report["snapshots"], 1)
