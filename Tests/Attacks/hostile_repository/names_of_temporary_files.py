"""Entries named like the temporary files of a restore."""

import scenes
from scenes import REFUSED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Temporary names are random for each run and made exclusively: such entries are restored like any "
        "other, also twice"
    )

    def attack(self):
        w = self.writer
        names = [b".rekkord-" + b"%024d" % number + b".tmp" for number in range(50)]
        snapshot = self.save_top(*(w.file_entry(name, name) for name in names), self.good())
        expected = {"top": None, "top/good": b"good content"} | {"top/" + name.decode(): name for name in names}
        self.assertEqual(self.restored(snapshot), expected)
        self.assertEqual(self.restored(snapshot, "-f", "--delete", keep=True), expected)
