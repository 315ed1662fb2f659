"""Folders nested a hundred thousand deep, to end a stack."""

import os

import scenes
from rekkord_oracle import blobs, live, tree
from scenes import REFUSED, REPOSITORY_MAKER

# What a listing indents and a file system has to hold; the scan goes all the way.
SHOWN = 2000


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Trees are walked without recursion and with few descriptors: it is restored, listed and scanned"
        " like any other"
    )

    def attack(self):
        w = self.writer
        entry = w.file_entry(b"bottom", b"here")
        for depth in range(1, 100_000 // scenes.SCALE + 1):
            entry = w.entry(b"d", tree.KIND_DIRECTORY, hash=w.folder([entry]), mode=0o755)
            if depth == SHOWN:
                shown = blobs.object_id("M", entry.hash)
        self.entries(entry)
        self.scan()
        result = self.run_program("list", *self.place("Master"), "-r", shown)
        self.assertEqual(result.stdout.count(b"\n"), SHOWN)
        self.run_program("restore", *self.place("Master"), shown, self.path("target"))
        folder = live.open_folder(None, self.path("target"))
        for _ in range(SHOWN - 1):
            inner = live.open_folder(folder, "d")
            os.close(folder)
            folder = inner
        with live.opened_file(folder, "bottom") as file:
            self.assertEqual(os.read(file, 10), b"here")
        os.close(folder)
        self.run_program("restore", *self.place("Master"), "-f", "--delete", shown, self.path("target"))
