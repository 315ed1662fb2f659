"""Scattered reading through a mount: the kernel is given the pages of what had to be decoded anyway."""

import os
import random
import unittest

from program import SandboxCase, eventually, need_fuse
from test_mount import read_file

PAGE = os.sysconf("SC_PAGESIZE")
SIZE = 24_000_000


class ScatteredTests(SandboxCase):
    """A file of about a dozen chunks, read here and there."""

    def setUp(self):
        super().setUp()
        need_fuse()
        self.make_repository()
        self.chance = random.Random(5)
        self.content = self.chance.randbytes(SIZE)
        os.mkdir(self.path("data"))
        with open(self.path("data/file"), "wb") as file:
            file.write(self.content)
        self.save("web", self.path("data"))

    def shown(self, mount):
        return mount.path("channels/web/latest", self.path("data/file")[1:])

    def stats(self, mount):
        lines = read_file(mount.path(".rekkord/stats")).decode().splitlines()
        return {name: int(value) for name, value in map(str.split, lines)}

    def read_at(self, file, offset, count=100):
        self.assertEqual(os.pread(file, count, offset), self.content[offset:offset + count])

    def test_the_kernel_soon_has_everything(self):
        # The cache holds one or two of the chunks, so what is read again comes from the kernel.
        with self.mounted(options=["--cache-size", "4M"]) as mount:
            file = os.open(self.shown(mount), os.O_RDONLY)
            self.addCleanup(os.close, file)

            def whole():
                for _ in range(100):
                    self.read_at(file, self.chance.randrange(SIZE))
                # All but the pages where two chunks meet.
                return self.stats(mount)["filled_bytes"] > SIZE * 9 // 10

            eventually(whole)
            before = self.stats(mount)
            for _ in range(2000):
                self.read_at(file, self.chance.randrange(SIZE))
            after = self.stats(mount)
            self.assertLess(after["read"] - before["read"], 200)
            # The end of the file is where the last chunk ends, not where its last page does.
            self.read_at(file, SIZE - 50, PAGE)
            self.assertEqual(os.pread(file, PAGE, SIZE), b"")
            self.assertEqual(os.fstat(file).st_size, SIZE)
            self.assertEqual(read_file(self.shown(mount)), self.content)

    def test_whoever_reads_on_gets_nothing_more(self):
        with self.mounted() as mount:
            self.assertEqual(read_file(self.shown(mount)), self.content)
            self.assertEqual(self.stats(mount)["filled_bytes"], 0)


if __name__ == "__main__":
    unittest.main()
