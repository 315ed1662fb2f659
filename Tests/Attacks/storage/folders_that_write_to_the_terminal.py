"""Folders of the repository with escape sequences in their names, which cannot be listed."""

import os

import scenes
from scenes import REFUSED, STORAGE_WRITER

EVIL = b"\x1b]0;owned\x07\x1b[2J\r\n\xc2\x9b31m" + b"a" * 200


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = "What cannot be listed is named in an error, in which control characters are `\\xHH`"

    def attack(self):
        folder = os.open(self.stored("tags/M"), os.O_RDONLY)
        for _ in range(40):
            os.mkdir(EVIL, dir_fd=folder)
            below = os.open(EVIL, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = below
        os.close(folder)
        for command in (["snapshots"], ["channels"], ["list", "web"], ["scan"]):
            result = self.run_program(command[0], *self.place("Master"), *command[1:], status=None)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(b"cannot list 'tags/M/\\x1B]0;owned\\x07\\x1B[2J\\x0D\\x0A\\xC2\\x9B31maaa", result.stderr)
            for byte in (b"\x1b", b"\x07", b"\r", b"\x9b"):
                self.assertNotIn(byte, result.stdout + result.stderr, command)
