"""A delete marker over `rekkord`, so that the owner makes a new repository in the place of the old one."""

import scenes
from scenes import REFUSED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "Commands say that the repository is not initialised, status 10, and `init` refuses a place with "
        "other content; remove the marker"
    )

    def attack(self):
        before = self.names()
        self.bucket.delete("rekkord")
        for role, command in (("read", ["snapshots"]), ("save", ["save", "web", self.source])):
            result = self.run_as(role, *command, row="open", status=None)
            self.assertIn(result.returncode, (1, 10))
            self.assertRegex(result.stderr.decode(), "not initialised|access denied")
        result = self.run_as("owner", "init", row="open", status=1)
        self.assertIn(b"not empty", result.stderr)
        self.assertEqual(self.names(), [name for name in before if name != "rekkord"])
        self.bucket.delete("rekkord", self.bucket.versions["rekkord"][-1].id)
        self.assertEqual(self.restored("web"), self.good_contents())
