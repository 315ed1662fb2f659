"""A link as the parent of another saved path."""

import os

import scenes
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "What lies above a saved path is a folder, whatever else was saved under its name: nothing is written"
        " through the link"
    )

    def attack(self):
        w = self.writer
        roots = [
            w.link_entry(b"srv", os.fsencode(self.outside)),
            w.file_entry(b"srv/treasure", b"evil"),
            w.folder_entry(b"srv/deep/er", [w.file_entry(b"x", b"evil")]),
            w.file_entry(b"file", b"file"),
            w.file_entry(b"file/below", b"evil"),
        ]
        for order in (roots, roots[::-1]):
            snapshot = self.entries(*order)
            for found in (self.restored(snapshot, status=None), self.shown(snapshot)):
                self.assertEqual(found["srv/treasure"], b"evil")
                self.assertIsNone(found["srv"])
            self.listed(snapshot)
