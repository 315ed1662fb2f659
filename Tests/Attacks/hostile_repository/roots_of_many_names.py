"""A small snapshot whose saved paths have millions of names."""

import scenes
from rekkord_oracle import tree
from scenes import DETECTED, REPOSITORY_MAKER

# Each name becomes a folder in listings and mounts; stored are 16 kB.
ROOTS = 40
NAMES = 32_000


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "A snapshot may have half a million names in its saved paths: one with more is named as damaged, takes no memory, "
        "and other snapshots are shown"
    )

    def attack(self):
        file = self.good()
        names = [b"%03d/" % n + b"/".join([b"a"] * NAMES) for n in range(ROOTS)]
        evil = self.writer.save(b"web", [self.writer.entry(n, tree.KIND_FILE, hash=file.hash, size=12, mode=0o600) for n in names])
        good = self.save_top(self.good())
        for command, statuses in (("list", (1,)), ("restore", (1,)), ("mount", (1,)), ("scan", (20,)), ("snapshots", (0,))):
            place = self.place("Master")
            more = {"list": [evil], "restore": [evil, self.path("target")], "mount": [evil, self.path("point")]}.get(command, [])
            if command == "mount":
                scenes.os.mkdir(self.path("point"))
            status, memory = self.peak_memory(command, *place, *more)
            self.assertIn(status, statuses, command)
            self.assertLess(memory, 150_000_000, command)
        self.assert_found(("structure", f"blobs/M/{evil[1:3]}/{evil[1:]}"))
        self.assertEqual(self.restored(good)["top/good"], b"good content")
