"""A list of chunks of 2^63 bytes, nearly all of them a gap."""

import os
import resource

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "Numbers are added with a check. Where the file system or a limit has no room for the file it is "
        "named and skipped, and the temporary file goes; a mount shows it and takes no memory for it"
    )

    def attack(self):
        w = self.writer
        chunk = w.blob(blobs.CHUNK, b"end")
        table = tree.encode_file_table([tree.ChunkReference(2**63 - 4, 3, chunk)], 2**63 - 1)
        huge = w.entry(b"huge", tree.KIND_FILE, hash=w.blob(blobs.FILE, table), size=2**63 - 1, mode=0o600)
        snapshot = self.save_top(huge, self.good())
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24, 1 << 24))  # noqa: E731
        target = self.path("target")
        result = self.run_program("restore", *self.place("Master"), "--sparse", snapshot, target, status=None, preexec_fn=limit)
        self.assertIn(result.returncode, (1, 3))
        self.assertIn(b"'" + b"top/huge" + b"'", result.stderr.replace(os.fsencode(target) + b"/", b""))
        for folder, _, names in os.walk(target):
            self.assertLessEqual(set(names), {"good"}, folder)
        with self.mounted(snapshot) as mount:
            path = mount.path("top", "huge")
            self.assertEqual(os.stat(path).st_size, 2**63 - 1)
            with open(path, "rb") as file:
                self.assertEqual(file.read(4096), bytes(4096))
                file.seek(2**62)
                self.assertEqual(file.read(10), bytes(10))
            self.assertEqual(scenes.read(mount.path("top", "good")), b"good content")
        self.listed(snapshot)
