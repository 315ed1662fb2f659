"""Links whose targets are empty, too long, or hold NUL."""

import scenes
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "A target that no system call takes as it is, is damage of that link; nothing is cut off and then "
        "made"
    )

    def attack(self):
        w = self.writer
        targets = {b"empty": b"", b"long": b"x" * 5000, b"huge": b"x" * 10_000_000, b"nul": b"/etc/passwd\0.harmless", b"only nul": b"\0"}
        bad = [w.link_entry(name, target) for name, target in targets.items()]
        fine = w.link_entry(b"fine", b"../../../outside")
        snapshot = self.save_top(*bad, fine, self.good())
        good = {"top": None, "top/good": b"good content", "top/fine": "../../../outside"}
        self.assertEqual(self.restored(snapshot, status=3), good)
        shown = self.shown(snapshot)
        self.assertEqual({path: value for path, value in shown.items() if not isinstance(value, int)}, good)
        paths = {each["path"] for each in self.scan(status=20)["problems"]}
        self.assertEqual(paths, {"top/" + entry.name.decode() for entry in bad})
