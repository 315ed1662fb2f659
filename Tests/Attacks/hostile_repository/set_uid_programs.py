"""Set-uid and set-gid programs, owned by root."""

import os
import stat

import scenes
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Such bits come only with `-m Owner` and after the owner was set; a mount is always nosuid and nodev."
        " Restore what you do not trust without `-m Owner`"
    )

    def attack(self):
        w = self.writer
        owner = {"uid": 0, "gid": 0}
        snapshot = self.save_top(
            w.file_entry(b"suid", b"#!/bin/sh\n", mode=0o4755, **owner),
            w.file_entry(b"sgid", b"#!/bin/sh\n", mode=0o2755, **owner),
            w.folder_entry(b"folder", [], mode=0o6777, **owner),
        )
        self.restored(snapshot)
        for name in ("suid", "sgid", "folder"):
            self.assertEqual(os.stat(self.path("restored", "top", name)).st_mode & 0o6000, 0, name)
        with self.mounted(snapshot) as mount:
            with open("/proc/self/mounts", encoding="utf-8") as file:
                options = next(line.split()[3] for line in file if mount.point in line).split(",")
            self.assertTrue({"ro", "nosuid", "nodev"} <= set(options), options)
            self.assertTrue(os.stat(mount.path("top/suid")).st_mode & stat.S_ISUID)
