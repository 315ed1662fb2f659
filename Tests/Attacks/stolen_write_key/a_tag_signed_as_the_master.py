"""A tag that claims to be made by the master key."""

import scenes
from rekkord_oracle import blobs, keys, tags
from scenes import REFUSED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = REFUSED
    outcome = (
        "Every reader checks tags of the master key, ignores this one with a warning, and a scan names it"
    )

    def attack(self):
        claimed = keys.KeySet(**{**vars(self.thief), "kid": keys.MASTER_KID, "badge": None})
        (honest,) = self.snapshots()
        digest = self.writer.blob(blobs.CHUNK, b"whatever")
        main, names = self.writer.tag(digest, tags.Payload(2**50, 2, 3, 4, b"web").encode(), claimed)
        self.assertEqual(self.snapshots(warning=f"ignoring tag '{main}': wrong signature"), [honest])
        self.assertEqual(self.restored("web"), self.good_contents())
        self.assert_found(("signature", main))
