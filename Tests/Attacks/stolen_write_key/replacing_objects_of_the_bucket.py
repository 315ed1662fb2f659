"""Versions laid over blobs, tags, badges and `rekkord` with the credentials of a saver."""

import scenes
from scenes import REFUSED, S3_CREDENTIALS


class Attack(scenes.Bucket):
    threat = S3_CREDENTIALS
    end = REFUSED
    outcome = (
        "The policy demands the condition that nothing is replaced, and `rekkord` is nobody's to write: 403"
    )

    def attack(self):
        before = {name: self.current(name).id for name in self.names()}
        for prefix in ("blobs/R", "blobs/M", "tags/M", "tags/P", "keys/", "rekkord", "cw"):
            self.as_thief("put_object", self.one(prefix), 403, Body=b"evil")
        self.as_thief("put_object", "rekkord", 403, Body=b"evil", IfNoneMatch="*")
        for prefix in ("blobs/R", "tags/M", "keys/"):
            self.as_thief("put_object", self.one(prefix), 412, Body=b"evil", IfNoneMatch="*")
        self.assertEqual({name: self.current(name).id for name in self.names()}, before)
        self.assertEqual(self.scan()["problems"], [])
