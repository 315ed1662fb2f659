"""Mounts of an ordinary user."""

import os
import subprocess
import unittest

from program import PROGRAM, SandboxCase, need_fuse

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ordinary_user")
CANNOT_BE_TRIED = 77


class OrdinaryUserTests(SandboxCase):
    def test_mounts_of_an_ordinary_user(self):
        """In the background and the foreground, by -o and fstab, with allow_other and without: see `ordinary_user`."""
        need_fuse()
        place = self.path("user")
        os.mkdir(place)
        os.chmod(self.folder, 0o755)
        result = subprocess.run(
            [SCRIPT, place, PROGRAM], env=self.environment, capture_output=True, text=True, timeout=120
        )
        if result.returncode == CANNOT_BE_TRIED:
            self.skipTest(result.stderr.strip())
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
