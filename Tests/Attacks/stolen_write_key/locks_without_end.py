"""Locks for a thousand years, and locks made shorter, with the credentials of a saver."""

import datetime

import scenes
from scenes import REFUSED, S3_CREDENTIALS


class Attack(scenes.Bucket):
    threat = S3_CREDENTIALS
    end = REFUSED
    outcome = (
        "The policy ends at 100 days, and no lock gets shorter: 403. Within the 100 days the thief may lock "
        "what is added: see flooding"
    )

    def attack(self):
        name = self.one("blobs/R")
        until = self.current(name).until
        for days, mode in ((365_000, "COMPLIANCE"), (101, "GOVERNANCE"), (1, "GOVERNANCE")):
            end = self.bucket.now() + datetime.timedelta(days=days)
            self.as_thief("put_object_retention", name, 403, Retention={"Mode": mode, "RetainUntilDate": end})
            if days > 100:
                self.as_thief(
                    "put_object", "blobs/R/00/NEW", 403, Body=b"x", IfNoneMatch="*",
                    ObjectLockMode=mode, ObjectLockRetainUntilDate=end,
                )  # fmt: skip
        self.assertEqual(self.current(name).until, until)
