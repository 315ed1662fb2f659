"""Entries that lead to blobs of another type, and blobs that lie about theirs."""

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "The type belongs to the hash, and each use expects one: nothing is shown as something else, and a "
        "scan names each path"
    )

    def attack(self):
        w = self.writer
        file, link = w.file(b"content"), w.blob(blobs.LINK, b"target")
        folder = w.folder([w.file_entry(b"x", b"1")])
        snapshot = blobs.parse_object_id(w.save(b"other", [self.good()]))[1]
        lying = w.blob(blobs.CHUNK, b"a chunk", stored_type=blobs.LINK)
        unknown = w.blob(blobs.CHUNK, b"another chunk", stored_type=77)
        bad = [
            w.entry(b"folder is a file", tree.KIND_DIRECTORY, hash=file, mode=0o755),
            w.entry(b"file is a folder", tree.KIND_FILE, hash=folder, size=1),
            w.entry(b"file is a link", tree.KIND_FILE, hash=link, size=1),
            w.entry(b"link is a file", tree.KIND_LINK, hash=file, mode=0o777),
            w.entry(b"folder is a snapshot", tree.KIND_DIRECTORY, hash=snapshot, mode=0o755),
            w.entry(b"lying type", tree.KIND_FILE, hash=lying, size=7),
            w.entry(b"unknown type", tree.KIND_FILE, hash=unknown, size=7),
        ]
        oid = self.save_top(*bad, self.good())
        # What has no good content is not there, or is an empty folder.
        found = {path: value for path, value in self.restored(oid, status=3).items() if value is not None}
        self.assertEqual(found, {"top/good": b"good content"})
        shown = {path: value for path, value in self.shown(oid).items() if isinstance(value, (bytes, str))}
        self.assertEqual(shown, {"top/good": b"good content"})
        paths = {each["path"] for each in self.scan(status=20)["problems"]}
        self.assertEqual(paths, {"top/" + entry.name.decode() for entry in bad})
