"""Entries named `.` and `..`."""

import scenes
from scenes import REFUSED, REPOSITORY_MAKER

NAMES = [b"..", b"."]


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Names are checked where they are decoded, so no layer above ever sees one: hidden everywhere, "
        "counted by a restore (status 3), named by a scan"
    )

    def attack(self):
        bad = []
        for name in NAMES:
            bad += [
                self.writer.file_entry(name, b"evil"),
                self.writer.folder_entry(name, [self.writer.file_entry(b"inner", b"evil")]),
                self.writer.link_entry(name, os_bytes(self.treasure)),
            ]
        snapshot = self.save_top(*bad, self.good())
        self.assert_only_good(snapshot, status=3)
        self.assertEqual({each["what"] for each in self.scan(status=20)["problems"]}, {"name"})


def os_bytes(text):
    return text.encode()
