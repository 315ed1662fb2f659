"""A link and a folder of the same name, so that the folder is restored through the link."""

import os

import scenes
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "The first entry of a name counts and the others are hidden; besides, no component of a path is ever "
        "followed"
    )

    def attack(self):
        w = self.writer
        evil = w.folder_entry(b"twice", [w.file_entry(b"treasure", b"evil"), w.file_entry(b"new", b"evil")])
        link = w.link_entry(b"twice", os.fsencode(self.outside))
        snapshot = self.save_top(link, evil, self.good())
        expected = {"top": None, "top/good": b"good content", "top/twice": self.outside}
        self.assertEqual(self.restored(snapshot, status=3), expected)
        self.assertEqual(self.shown(snapshot), expected)
        # The other way round the folder comes first, and the link must not take its place.
        snapshot = self.save_top(evil, link, self.good())
        found = self.restored(snapshot, status=3)
        self.assertEqual(found["top/twice/treasure"], b"evil")
        # Twice into the same place: the link of the first must not be followed by the second.
        first = self.save_top(link)
        self.restored(first)
        self.assertEqual(self.restored(self.save_top(evil), "-f", keep=True)["top/twice/new"], b"evil")
