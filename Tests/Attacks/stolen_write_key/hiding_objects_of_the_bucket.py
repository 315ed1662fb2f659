"""Delete markers, and versions deleted for good, with the credentials of a saver."""

import scenes
from scenes import REFUSED, S3_CREDENTIALS


class Attack(scenes.Bucket):
    threat = S3_CREDENTIALS
    end = REFUSED
    outcome = "The policy gives no right to delete, with or without a version, or to bypass a lock: 403"

    def attack(self):
        names = self.names()
        for prefix in ("blobs/R", "tags/M", "tags/P", "keys/", "rekkord"):
            name = self.one(prefix)
            self.as_thief("delete_object", name, 403)
            self.as_thief("delete_object", name, 403, VersionId=self.current(name).id)
            self.as_thief("delete_object", name, 403, VersionId=self.current(name).id, BypassGovernanceRetention=True)
        self.assertEqual(self.names(), names)
        self.assertEqual(self.restored("web"), self.good_contents())
