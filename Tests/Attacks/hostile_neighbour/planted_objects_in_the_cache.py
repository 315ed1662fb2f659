"""Other objects, garbage, pipes and links in the disk cache of a mount."""

import os
import pathlib

import scenes
from scenes import CACHE_WRITER, REFUSED


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = REFUSED
    outcome = (
        "What lies in the cache is verified as what the storage sends, dropped when it is wrong, and fetched;"
        " links are not followed"
    )

    def attack(self):
        options = ["--disk-cache-size", "64M"]
        good = self.good_contents()
        self.assertEqual(self.shown("web", *options), good)
        files = [path for path in pathlib.Path(self.path("cache")).rglob("objects.*/*/*") if path.is_file()]
        self.assertGreater(len(files), 4)
        bytes_of = {path: path.read_bytes() for path in files}
        for number in range(5):
            for path, other in zip(files, [*files[1:], files[0]]):
                path.unlink()
                if number == 0:
                    path.write_bytes(bytes_of[other])
                elif number == 1:
                    path.write_bytes(bytes_of[path][:-1] + b"\0")
                elif number == 2:
                    os.mkfifo(path)
                elif number == 3:
                    path.symlink_to(self.treasure)
                else:
                    path.write_bytes(b"")
            self.assertEqual(self.shown("web", *options), good, number)
            self.assertNotIn("error", self.messages)
            for path in files:
                self.assertFalse(path.is_symlink())
                if not path.is_file():
                    path.write_bytes(b"")
