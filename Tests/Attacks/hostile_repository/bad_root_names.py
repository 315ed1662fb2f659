"""Saved paths that are absolute, lead upwards or have empty parts."""

import scenes
from scenes import REFUSED, REPOSITORY_MAKER

NAMES = [
    b"/abs", b"../outside/treasure", b"a/../../outside/treasure", b"./a", b"a//b", b"a/", b"..", b".", b"", b"a\0/b",
    b"x" * 256, b"a/" + b"y" * 256,
]  # fmt: skip


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Each part of a saved path is a name like any other; such roots are hidden, status 3, and named by a "
        "scan"
    )

    def attack(self):
        entries = [self.writer.file_entry(name, b"evil") for name in NAMES]
        snapshot = self.entries(*entries, self.writer.folder_entry(b"top", [self.good()]))
        self.assert_only_good(snapshot, status=3)
        self.assertEqual({each["what"] for each in self.scan(status=20)["problems"]}, {"name"})
