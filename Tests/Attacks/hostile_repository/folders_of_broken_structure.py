"""Folders and snapshots cut off, with absurd lengths, odd kinds and surplus bytes."""

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "Every length is checked before it is used; a broken folder is refused as a whole and named, its "
        "neighbours stay"
    )

    def attack(self):
        w = self.writer
        good = tree.encode_directory(tree.Level([w.file_entry(b"a", b"1"), w.file_entry(b"b", b"2")], 2, 2))
        bodies = [good[:size] for size in (1, 10, 15, 17, len(good) - 50, len(good) - 1)] + [good + b"\0"]
        for offset in (33, 34, 35, 36, 37):
            changed = bytearray(good)
            changed[16 + offset] = 0xFE
            bodies.append(bytes(changed))
        entries = [
            w.entry(b"%d" % n, tree.KIND_DIRECTORY, hash=w.blob(blobs.DIRECTORY, body), mode=0o755)
            for n, body in enumerate(bodies)
        ]
        snapshot = self.save_top(*entries, self.good())
        found = self.restored(snapshot, status=3)
        self.assertEqual(found, {"top": None, "top/good": b"good content"} | {f"top/{n}": None for n in range(len(bodies))})
        self.assertEqual(self.shown(snapshot)["top/good"], b"good content")
        self.listed(snapshot, status=None)
        paths = {each["path"] for each in self.scan(status=20)["problems"]}
        self.assertEqual(paths, {f"top/{n}" for n in range(len(bodies))})
        whole = tree.encode_snapshot(tree.Snapshot(1, 1, 1, 1, b"web", tree.Level([self.good()], 1, 1)))
        for body in (whole[:100], whole[:560], whole[:-1], b""):
            oid = blobs.object_id("M", w.blob(blobs.SNAPSHOT, body))
            self.assertEqual(self.restored(oid, status=1), {})
            self.refused("list", *self.place("Master"), oid, status=1, says=oid)
