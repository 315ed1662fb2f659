"""Reading a mount of another user, and files in a shared one that the modes forbid."""

import os

import scenes
from scenes import MOUNT_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MOUNT_USER
    end = REFUSED
    outcome = "Without `--allow-other` the kernel lets nobody else in; with it the stored modes are enforced"

    def attack(self):
        scenes.need_root()
        scenes.put(self.source + "/private", b"private", 0o600)
        scenes.put(self.source + "/public", b"public", 0o644)
        os.chmod(self.source, 0o755)
        self.save("web", self.source)
        os.chmod(self.folder, 0o755)
        with self.mounted("web") as mount:
            result = scenes.run_as_nobody(self, "ls", mount.point)
            self.assertNotEqual(result.returncode, 0)
            self.assertEqual(result.stdout, b"")
        with self.mounted("web", options=["--allow-other"]) as mount:
            os.chmod(self.folder, 0o755)
            for name, shown in (("public", b"public"), ("private", b"")):
                result = scenes.run_as_nobody(self, "cat", mount.path(self.below(name)))
                self.assertEqual(result.stdout, shown, result.stderr)
