"""Garbage, pipes and folders in place of the files of the cache."""

import os

import scenes
from scenes import CACHE_WRITER, DETECTED


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = DETECTED
    outcome = "One warning, and the command goes on without it or makes it anew; nothing waits for a pipe"

    def attack(self):
        self.scan()
        (folder,) = os.listdir(self.path("cache", "rekkord"))
        for name, command in (("cache.sqlite", ["save", "web", self.source]), ("scan.sqlite", ["scan"])):
            path = self.path("cache", "rekkord", folder, name)
            for make in (
                lambda path: scenes.put(path, b"garbage" * 5000), lambda path: scenes.put(path, b"SQLite format 3\0" + bytes(5000)),
                os.mkfifo, os.mkdir,
            ):  # fmt: skip
                for each in (path, path + "-wal", path + "-shm"):
                    if os.path.exists(each):
                        os.rmdir(each) if os.path.isdir(each) else os.unlink(each)
                make(path)
                result = self.run_program(command[0], *self.place("Master"), *command[1:])
                self.assertEqual(result.stderr.count(b"warning: cannot use cache"), 1, result.stderr)
            os.rmdir(path)
        self.assertEqual(self.restored("web"), self.good_contents())
