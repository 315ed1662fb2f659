"""A folder under the name that its own entries give, which would be a circle."""

import errno

import scenes
from rekkord_oracle import blobs
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = "No content can hold its own hash: EIO, status 3, and named by a scan"

    def attack(self):
        w = self.writer
        inner = w.folder_entry(b"inner", [w.file_entry(b"x", b"1")])
        outer = w.folder_entry(b"outer", [inner, self.good()])
        snapshot = self.entries(outer)
        w.replace(blobs.object_id("M", inner.hash), blobs.object_id("M", outer.hash))
        good = {"outer": None, "outer/good": b"good content", "outer/inner": None}
        self.assertEqual(self.restored(snapshot, status=3), good)
        self.assertEqual(self.shown(snapshot), good | {"outer/inner": errno.EIO})
        self.listed(snapshot, status=None)
        self.assert_found(("hash", "outer/inner"))
