"""Journals beside the databases of the cache that name a file of the victim as one that belongs to them."""

import os
import struct

import scenes
from scenes import CACHE_WRITER, REFUSED

# How SQLite ends the journal of a transaction over several databases: page, name of their common journal, length, sum, magic.
MAGIC = bytes([0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7])
PENDING_BYTE_PAGE = 0x40000000 // 4096 + 1


def journal(target):
    signed = sum(byte if byte < 128 else byte - 256 for byte in target) & 0xFFFFFFFF
    trailer = struct.pack(">I", PENDING_BYTE_PAGE) + target + struct.pack(">II", len(target), signed) + MAGIC
    return b"\x7f" + bytes(511) + trailer


class Attack(scenes.SavedRepository):
    threat = CACHE_WRITER
    end = REFUSED
    outcome = (
        "SQLite would delete that file as a left-over of its own. The database is set aside with its journal, with one "
        "warning, and what the journal names is not touched"
    )

    def attack(self):
        self.scan()
        (folder,) = os.listdir(self.path("cache", "rekkord"))
        for name, command in (("cache.sqlite", ["save", "web", self.source]), ("scan.sqlite", ["scan"])):
            path = self.path("cache", "rekkord", folder, name)
            for suffix in ("-wal", "-shm"):
                if os.path.lexists(path + suffix):
                    os.unlink(path + suffix)
            with open(path + "-journal", "wb") as file:
                file.write(journal(os.fsencode(self.treasure)))
            result = self.run_program(command[0], *self.place("Master"), *command[1:])
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stderr.count(b"database is damaged, set aside as"), 1, result.stderr)
            self.assertFalse(os.path.lexists(path + "-journal"))
            self.assertEqual(os.listdir(self.outside), ["treasure"])
            again = self.run_program(command[0], *self.place("Master"), *command[1:])
            self.assertEqual((again.returncode, again.stderr.count(b"warning")), (0, 0), again.stderr)
