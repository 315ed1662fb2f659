"""A server that answers everything with a page of its own and status 200, as a captive portal does."""

import scenes
from scenes import REFUSED, STORAGE_WRITER

PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = "It is no repository: nothing is saved, listed or made; no answer is taken for an empty listing"

    def attack(self):
        self.hurry()
        self.lie(lambda request, ask: (200, {"Content-Type": "text/html"}, PAGE))
        for role, command in (
            ("read", ["snapshots"]), ("read", ["restore", "web", self.path("x")]), ("save", ["save", "web", self.source]),
            ("scan", ["scan"]), ("owner", ["init"]), ("owner", ["change_cid"]),
        ):  # fmt: skip
            result = self.run_as(role, *command, row="open", status=None)
            self.assertIn(result.returncode, (1, 12))
            self.assertEqual(result.stdout, b"")
        # The same for listings alone.
        self.lie(lambda request, ask: (200, {}, PAGE) if request.startswith("LIST") else ask())
        self.refused("snapshots", *self.place(), status=1, says="cannot list")
