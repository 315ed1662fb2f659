"""Stored attributes that take the names of what a mount tells about a file."""

import os

import scenes
from rekkord_oracle import blobs, tree
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "What the mount itself knows comes before what is stored: `user.rekkord.oid` is the name that was "
        "verified"
    )

    def attack(self):
        lie = tree.encode_extended([(b"user.rekkord.oid", b"R" + b"0" * 64), (b"user.rekkord.channel", b"bank")])
        entry = self.writer.file_entry(b"file", b"content", extended=lie)
        snapshot = self.save_top(entry)
        with self.mounted(snapshot) as mount:
            shown = os.getxattr(mount.path("top", "file"), "user.rekkord.oid")
            self.assertEqual(shown.decode(), blobs.object_id("R", entry.hash))
