"""Reading and listing the bucket with the credentials of a saver."""

import scenes
from scenes import REFUSED, S3_CREDENTIALS


class Attack(scenes.Bucket):
    threat = S3_CREDENTIALS
    end = REFUSED
    outcome = "The policy lets a saver read `rekkord` and nothing else, and list nothing: 403"

    def attack(self):
        self.as_thief("get_object", "rekkord", 200)
        for prefix in ("blobs/R", "blobs/M", "tags/M", "keys/", "cw"):
            self.as_thief("get_object", self.one(prefix), 403)
        # Even with a key that reads, as somebody may have who stole both.
        self.write_ini("save")
        self.write_ini("read", more="")
        text = scenes.read(self.ini("read")).decode().replace("KeyID = READ", "KeyID = SAVE").replace("of read", "of save")
        scenes.put(self.ini("read"), text.encode(), 0o600)
        self.refused("snapshots", *self.place(), status=1, says="access denied")
        self.refused("restore", *self.place(), "M" + "0" * 64, self.path("x"), status=1, says="access denied")
