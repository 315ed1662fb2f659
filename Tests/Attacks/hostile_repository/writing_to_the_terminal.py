"""Names and channels with escape sequences for the terminal of whoever lists them."""

import scenes
from rekkord_oracle import blobs, live
from scenes import REFUSED, REPOSITORY_MAKER

EVIL = b"\x1b]0;owned\x07\x1b[2J\r\n\xff\x9b31m"


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Control characters and what is no text are shown as `\\xHH`, on both streams; JSON and XML stay "
        "well-formed"
    )

    def attack(self):
        w = self.writer
        evil = w.file_entry(EVIL, b"evil")
        snapshot = self.entries(w.folder_entry(EVIL, [evil, w.link_entry(b"l", EVIL), self.good()]), evil)
        w.save(EVIL, [evil])
        w.remove(blobs.object_id("R", evil.hash))
        target = self.path("target")
        for command in (
            ["snapshots"], ["snapshots", "-v"], ["channels"], ["list", "-r", "-vv", snapshot], ["restore", "-v", snapshot, target],
            ["scan"], ["list", EVIL + b":" + EVIL], ["list", snapshot.encode() + b":" + EVIL + b"/x"],
            ["snapshots", "--format", "JSON"], ["list", "-r", "--format", "XML", snapshot], ["scan", "--format", "JSON"],
        ):  # fmt: skip
            result = self.run_program(command[0], *self.place("Master"), *command[1:], status=None)
            for stream in (result.stdout, result.stderr):
                for byte in (b"\x1b", b"\x07", b"\r", b"\x9b31m"):
                    self.assertNotIn(byte, stream, command)
        live.remove_tree(target)
