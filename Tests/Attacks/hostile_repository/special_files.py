"""Devices and pipes with content, and kinds that do not exist."""

import os
import stat

import scenes
from rekkord_oracle import tree
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = "A restore makes files, folders and links and nothing else; type bits in a mode are cut off"

    def attack(self):
        w = self.writer
        content = w.file(b"content")
        entries = [
            w.entry(b"device", tree.KIND_UNKNOWN, hash=content, mode=0o60666),
            w.special_entry(b"pipe", mode=0o10666),
            w.entry(b"file", tree.KIND_FILE, hash=content, size=7, mode=0o60600),
            w.entry(b"folder", tree.KIND_DIRECTORY, hash=w.folder([]), mode=0o20700),
        ]
        snapshot = self.save_top(*entries)
        self.restored(snapshot, "-m", "Owner", status=None)
        with self.mounted(snapshot) as mount:
            for top in (self.path("restored"), mount.point):
                for folder, folders, files in os.walk(top):
                    for name in folders + files:
                        mode = os.lstat(os.path.join(folder, name)).st_mode
                        self.assertTrue(stat.S_ISREG(mode) or stat.S_ISDIR(mode), name)
                self.assertEqual(sorted(os.listdir(os.path.join(top, "top"))), ["file", "folder"])
