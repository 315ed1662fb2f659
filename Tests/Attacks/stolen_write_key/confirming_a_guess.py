"""Finding out whether some machine stored a file whose content one knows."""

import scenes
from scenes import OUT_OF_REACH, WRITE_ONLY_KEY


class Attack(scenes.Bucket):
    threat = WRITE_ONLY_KEY
    end = OUT_OF_REACH
    outcome = (
        "The price of storing equal content once: the answer to a conditional write tells. Whoever knows the "
        "content learns that it is there, and not where"
    )

    def attack(self):
        known, unknown = self.object_of(scenes.read(self.source + "/notes")), self.object_of(b"nobody has this")
        self.as_thief("put_object", known, 412, Body=b"x", IfNoneMatch="*")
        self.as_thief("put_object", unknown, 200, Body=b"x", IfNoneMatch="*")
        # And that is all: the object cannot be asked for.
        self.as_thief("head_object", known, 403)
        self.as_thief("get_object", known, 403)
