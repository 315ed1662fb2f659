"""Databases of the cache with triggers, views, indexes and checks that never end when a row comes."""

import os
import sqlite3

import scenes
from scenes import CACHE_WRITER, REFUSED

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
PLANTED = (
    f"CREATE TRIGGER t AFTER INSERT ON blobs BEGIN {ENDLESS}; END",
    f"ALTER TABLE blobs RENAME TO b; CREATE VIEW blobs AS SELECT * FROM b WHERE ({ENDLESS}) > 0",
    "CREATE INDEX i ON blobs(length(hex(zeroblob(400000000))))",
    "CREATE TABLE more (x CHECK (length(hex(zeroblob(400000000))) > 0))",
)


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = REFUSED
    outcome = (
        "A database in which there is more than belongs there is set aside, with one warning, and nothing in it is run: "
        "saves and scans end as always"
    )

    def attack(self):
        self.scan()
        (folder,) = os.listdir(self.path("cache", "rekkord"))
        number = 0
        for name, command in (("cache.sqlite", ["save", "web", self.source]), ("scan.sqlite", ["scan"])):
            path = self.path("cache", "rekkord", folder, name)
            for script in PLANTED:
                # A version that is not ours makes the program empty what it finds, with what was planted there.
                for version in (None, 9):
                    connection = sqlite3.connect(path)
                    connection.executescript(script)
                    if version:
                        connection.execute(f"PRAGMA user_version = {version}")
                    connection.close()
                    number += 1
                    with open(os.path.join(self.source, f"new {number}"), "w") as file:
                        file.write(f"{number}")
                    result = self.run_program(command[0], *self.place("Master"), *command[1:])
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertLessEqual(result.stderr.count(b"warning"), 1, result.stderr)
                    if not version:
                        self.assertEqual(result.stderr.count(b"database is damaged, set aside as"), 1, result.stderr)
                    again = self.run_program(command[0], *self.place("Master"), *command[1:])
                    self.assertEqual((again.returncode, again.stderr.count(b"warning")), (0, 0), again.stderr)
