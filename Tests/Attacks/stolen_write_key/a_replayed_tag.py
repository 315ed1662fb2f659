"""A tag of another machine copied under the own key ID, as it is and signed again."""

import scenes
from rekkord_oracle import tags
from rekkord_oracle.primitives import base64url, base64url_decode, sign
from scenes import REFUSED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = REFUSED
    outcome = (
        "One sealed part is one snapshot, however often it is there: nothing appears twice, nor under another"
        " time or channel; a scan names the copy with the wrong signature"
    )
    saved = False

    def attack(self):
        path, _ = self.another_key()
        self.run_program("save", "-R", self.repo, "-K", path, "web", self.source)
        (honest,) = self.snapshots()
        text = honest["tag"].rpartition("/")[2]
        sealed = base64url_decode(text)[: tags.SEALED_SIZE]
        self.plant(f"keys/{self.thief.kid_text}", self.thief.badge)
        own = base64url(sealed + sign(self.thief.skey, self.thief.pkey, sealed))
        for copied in (f"tags/M/{self.thief.kid_text}/{text}", f"tags/M/{self.thief.kid_text}/{own}"):
            self.plant(copied, b"")
        self.assertEqual([each["object"] for each in self.snapshots()], [honest["object"]])
        report = self.assert_found(("signature", f"tags/M/{self.thief.kid_text}/{text}"))
        self.assertEqual(report["snapshots"], 1)
