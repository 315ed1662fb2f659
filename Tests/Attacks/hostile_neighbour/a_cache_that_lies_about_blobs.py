"""A cache that says that everything is stored already."""

import os
import sqlite3

import scenes
from scenes import CACHE_WRITER, OUT_OF_REACH


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "A save believes its cache and skips what was never stored; a scan names what is missing. "
        "`reset_cache`, save again, and keep the cache out of reach of others (it is 0700)"
    )

    def attack(self):
        content = b"content that must not be stored"
        scenes.put(self.source + "/new", content)
        digest = bytes.fromhex(self.object_of(content).rpartition("/")[2])
        with sqlite3.connect(cache_file(self, "cache.sqlite")) as database:
            database.execute("REPLACE INTO blobs (oid, size) VALUES (?, 300)", (b"\x01" + digest,))
        database.close()
        self.save("web", self.source)
        self.assert_found(("missing", self.below("new")))
        self.assertNotIn(self.below("new"), self.restored("web", status=3))
        # The way back.
        self.run_program("reset_cache", *self.place("WriteOnly"))
        self.save("web", self.source)
        self.scan()
        self.assertEqual(self.restored("web")[self.below("new")], content)


def cache_file(case, name):
    (folder,) = os.listdir(case.path("cache", "rekkord"))
    return case.path("cache", "rekkord", folder, name)
