"""A memory of scans that says that damage was verified a moment ago."""

import os
import sqlite3

import scenes
from scenes import CACHE_WRITER, OUT_OF_REACH


class Attack(scenes.Bucket):
    threat = CACHE_WRITER
    end = OUT_OF_REACH
    outcome = (
        "A scan believes its own memory; `scan --all` reads everything, and readers never believe it. Scan on"
        " a machine that is nobody else's"
    )

    def attack(self):
        # What the writer of the cache can reach by changing the database: the entity tag of what is there now.
        self.scan()
        name = self.object_of(scenes.read(self.source + "/notes"))
        good = self.current(name)
        bad = self.bucket.put(name, bytes(len(good.body)))
        (problem,) = self.scan(status=20)["problems"]
        self.assertEqual(problem["key"], name)
        self.bucket.delete(name, bad.id)
        self.scan()
        bad = self.bucket.put(name, bytes(len(good.body)))
        change_memory(self, name, bad)
        self.assertEqual(self.scan()["problems"], [])
        (problem,) = self.scan("--all", status=20)["problems"]
        self.assertEqual(problem["key"], name)
        self.assertNotIn(self.below("notes"), self.restored("web", status=3))


def change_memory(case, name, version):
    digest = bytes.fromhex(name.rpartition("/")[2])
    for folder in os.listdir(case.path("cache", "rekkord")):
        path = case.path("cache", "rekkord", folder, "scan.sqlite")
        if os.path.exists(path):
            with sqlite3.connect(path) as database:
                values = (version.etag.strip('"').encode(), version.id.encode(), b"\x01" + digest)
                changed = database.execute("UPDATE blobs SET etag = ?, version = ? WHERE oid = ?", values).rowcount
            database.close()
            case.assertEqual(changed, 1)
