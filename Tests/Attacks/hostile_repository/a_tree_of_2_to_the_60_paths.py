"""Sixty folders that each hold the next one twice: 2^60 paths."""

import os
import signal
import subprocess

import scenes
from program import PROGRAM, eventually
from rekkord_oracle import tree
from scenes import OUT_OF_REACH, REPOSITORY_MAKER

DEPTH = 60


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = OUT_OF_REACH
    outcome = (
        "A scan takes a moment and a mount shows what is asked for. Whoever restores or lists all of it waits"
        " for ever, as with any such tree; a signal ends that cleanly. Look into a mount first"
    )

    def attack(self):
        w = self.writer
        entry = w.file_entry(b"a", b"deep")
        for _ in range(DEPTH):
            digest = w.folder([w.entry(name, entry.kind, hash=entry.hash, size=4, mode=0o755) for name in (b"a", b"b")])
            entry = w.entry(b"a", tree.KIND_DIRECTORY, hash=digest, mode=0o755)
        snapshot = self.entries(entry)
        report = self.scan()
        self.assertEqual(report["blobs"]["verified"], DEPTH + 2)
        with self.mounted(snapshot) as mount:
            self.assertEqual(scenes.read(mount.path("a", *"ab" * 30)), b"deep")
        for command in (["restore", snapshot, self.path("target")], ["list", "-r", snapshot]):
            process = subprocess.Popen(
                [PROGRAM, command[0], *self.place("Master"), *command[1:]],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
            if command[0] == "restore":
                eventually(lambda: os.path.exists(self.path("target", *"a" * DEPTH)))
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
            self.assertIn((process.returncode, errors), ((143, b"rekkord: error: interrupted\n"), (-signal.SIGTERM, b"")))
