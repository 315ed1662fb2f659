"""Sealed objects whose inside is no frame, has no end, or goes on after it."""

import errno

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = "Version, stream, frame, padding and hash are all checked before a byte is handed out"

    def attack(self):
        w = self.writer
        salt = w.master.blob_hash_salt()
        text = b"text" * 100
        frame = blobs.compress(text, 1)
        frames = {
            b"no end mark": frame[:-4],
            b"padding not zero": frame + b"\x01",
            b"two frames": frame + frame,
            b"garbage": b"not LZ4 at all" * 100,
            b"nothing": b"",
            b"block beyond": frame[:7] + b"\xff\xff\xff\x7f" + frame[11:],
            b"header only": frame[:7],
        }
        bad = []
        for name, body in frames.items():
            digest = blobs.blob_digest(salt, blobs.CHUNK, text + name)
            w.blob(blobs.CHUNK, b"", digest=digest, frame=body)
            bad.append(w.entry(name, tree.KIND_FILE, hash=digest, size=400))
        bad.append(w.entry(b"version", tree.KIND_FILE, hash=w.blob(blobs.CHUNK, b"version", version=6), size=7))
        snapshot = self.save_top(*bad, self.good())
        good = {"top": None, "top/good": b"good content"}
        self.assertEqual(self.restored(snapshot, status=3), good)
        self.assertEqual(self.shown(snapshot), good | {"top/" + entry.name.decode(): errno.EIO for entry in bad})
        paths = {each["path"] for each in self.scan(status=20)["problems"]}
        self.assertEqual(paths, {"top/" + entry.name.decode() for entry in bad})
