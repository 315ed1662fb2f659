"""A mount in trouble: root makes it writable."""

import errno
import mmap
import os
import random
import subprocess
import unittest

from program import SandboxCase, eventually
from test_mount import read_file


class WritableTests(SandboxCase):
    """Root remounts the mount writable: nothing changes for longer than it takes to tell the kernel."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can remount")
        self.make_repository()
        os.mkdir(self.path("data"))
        self.content = random.Random(1).randbytes(3 * mmap.PAGESIZE + 77)
        with open(self.path("data/file"), "wb") as file:
            file.write(self.content)
        self.save("web", self.path("data"))

    def test_what_is_stored_comes_back(self):
        with self.mounted("web") as mount:
            subprocess.run(["mount", "-i", "-o", "remount,rw", mount.point], check=True)
            path = mount.path(self.folder[1:], "data/file")
            self.assertEqual(read_file(path), self.content)
            descriptor = os.open(path, os.O_RDWR)
            self.addCleanup(os.close, descriptor)
            with mmap.mmap(descriptor, len(self.content)) as mapped:
                for _ in range(3):
                    mapped[: mmap.PAGESIZE] = bytes(mmap.PAGESIZE)
                    mapped[-5:] = b"other"
                    with self.assertRaises(OSError) as caught:
                        mapped.flush()
                    self.assertIn(caught.exception.errno, (errno.EROFS, errno.EIO))
                    eventually(lambda: read_file(path) == self.content and mapped[:] == self.content)
            with self.assertRaises(OSError) as caught:
                os.pwrite(descriptor, b"other", 10)
            self.assertEqual(caught.exception.errno, errno.EROFS)
            self.assertEqual(read_file(path), self.content)


if __name__ == "__main__":
    unittest.main()
