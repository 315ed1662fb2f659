"""Folders and snapshots that claim 2^63 entries and sizes below nothing."""

import os
import struct

import scenes
from rekkord_oracle import blobs, tags, tree
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = "Counts are for display: nothing is reserved for them, and they are added with a check"

    def attack(self):
        w = self.writer
        for index, number in enumerate((2**63 - 1, -(2**63), -1)):
            folder = w.blob(blobs.DIRECTORY, struct.pack("<qq", number, number) + self.good().encode())
            entry = w.entry(b"top", tree.KIND_DIRECTORY, hash=folder, mode=0o755, size=number)
            level = tree.Level([entry, w.entry(b"again", tree.KIND_DIRECTORY, hash=folder, mode=0o755)], number, number)
            snapshot = tree.Snapshot(index, number, number, number, b"web", level)
            digest = w.blob(blobs.SNAPSHOT, tree.encode_snapshot(snapshot))
            w.tag(digest, tags.Payload(index, number, number, number, b"web").encode())
            oid = blobs.object_id("M", digest)
            self.assertEqual(self.restored(oid)["top/good"], b"good content")
            self.listed(oid)
            with self.mounted(oid) as mount:
                os.statvfs(mount.point)
                self.assertEqual(scenes.read(mount.path("top", "good")), b"good content")
        for command in ("snapshots", "channels"):
            for form in ("Plain", "JSON", "XML"):
                self.run_program(command, *self.place("Master"), "--format", form)
        with self.mounted() as mount:
            os.statvfs(mount.point)
            self.assertEqual(len(os.listdir(mount.path("snapshots"))), 3)
        self.scan(status=None)
