"""Pipes, folders, devices and links in place of objects."""

import os

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "Nothing waits for a pipe or opens a device, and a link to a file of this machine only leads to bytes"
        " that do not decrypt; a scan names the object"
    )

    def attack(self):
        name = self.object_of(scenes.read(self.source + "/notes"))
        path = self.stored(name)
        good = self.good_contents()
        del good[self.below("notes")]
        for make in (
            os.mkfifo,
            lambda path: os.symlink(self.treasure, path),
            lambda path: os.symlink("/dev/zero", path),
            lambda path: os.symlink(path, path),
            os.mkdir,
        ):
            os.unlink(path)
            make(path)
            (problem,) = self.scan(status=None)["problems"]
            self.assertEqual(problem["path"] or self.below("notes"), self.below("notes"))
            self.assertEqual(self.restored("web", status=3), good)
            self.assertNotIn(scenes.TREASURE.decode(), self.messages)
