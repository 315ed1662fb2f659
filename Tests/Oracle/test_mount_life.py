"""A mount in trouble: made writable, moved, laid over, or with nobody who reads what it says."""

import errno
import mmap
import os
import pwd
import random
import signal
import subprocess
import unittest

from program import PROGRAM, SandboxCase, eventually, need_fuse
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


class OwnerTests(SandboxCase):
    """Everything can be shown as somebody's."""

    def setUp(self):
        super().setUp()
        self.make_repository()
        os.makedirs(self.path("data/folder"))
        os.symlink("folder", self.path("data/link"))
        with open(self.path("data/folder/file"), "wb") as file:
            file.write(b"text")
        self.save("web", self.path("data"))

    def assert_owned(self, uid, gid, *words):
        with self.mounted("web", *words) as mount:
            data = os.path.join(self.folder[1:], "data")
            for path in ("", self.folder[1:], data, f"{data}/link", f"{data}/folder", f"{data}/folder/file"):
                status = os.lstat(mount.path(path))
                self.assertEqual((status.st_uid, status.st_gid), (uid, gid), path)

    def test_numbers(self):
        self.assert_owned(7, 8, "--owner", "7:8")

    def test_names(self):
        daemon = pwd.getpwnam("daemon")
        self.assert_owned(daemon.pw_uid, daemon.pw_gid, "-o", "owner=daemon")
        self.assert_owned(daemon.pw_uid, 0, "--owner", "daemon:root")

    def test_root(self):
        self.assert_owned(0, 0, "--owner-root")


class PlaceTests(SandboxCase):
    """A signal ends this mount, wherever it is now, and no other."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can mount other file systems")
        self.make_repository()
        os.mkdir(self.path("data"))
        self.save("web", self.path("data"))

    def other(self, point):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "other", point], check=True)
        self.addCleanup(subprocess.run, ["umount", point], capture_output=True)

    def test_another_file_system_in_its_place(self):
        with self.mounted("web") as mount:
            used = os.open(mount.path(self.folder[1:], "data"), os.O_RDONLY)
            self.addCleanup(os.close, used)
            subprocess.run(["umount", "-l", mount.point], check=True)
            self.other(mount.point)
            mount.process.send_signal(signal.SIGTERM)
            self.assertEqual(mount.process.wait(60), 0)
            self.assertTrue(os.path.ismount(mount.point))
            subprocess.run(["umount", mount.point], check=True)

    def test_another_file_system_over_it(self):
        with self.mounted("web") as mount:
            self.other(mount.point)
            for _ in range(2):
                told = mount.log().count("another file system is mounted over it")
                mount.process.send_signal(signal.SIGTERM)
                eventually(lambda: mount.log().count("another file system is mounted over it") > told)
            self.assertTrue(os.path.ismount(mount.point))
            subprocess.run(["umount", mount.point], check=True)
            self.assertEqual(os.listdir(mount.path(self.folder[1:], "data")), [])
            mount.process.send_signal(signal.SIGTERM)
            self.assertEqual(mount.process.wait(60), 0)

    def test_moved(self):
        point = self.path("old/point")
        os.makedirs(point)
        process = subprocess.Popen(
            [PROGRAM, "mount", "-f", *self.place("Master"), "web", point],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.kill)
        eventually(lambda: os.path.ismount(point))
        # The folder around it: what is mounted on cannot be renamed itself.
        os.rename(self.path("old"), self.path("new name"))
        moved = self.path("new name/point")
        self.addCleanup(subprocess.run, ["umount", "-l", moved], capture_output=True)
        os.makedirs(point)
        self.assertEqual(os.listdir(os.path.join(moved, self.folder[1:])), ["data"])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)
        self.assertFalse(os.path.ismount(moved))


class NobodyReadsTests(SandboxCase):
    """Whoever reads the messages of a mount goes away."""

    def test_counters(self):
        need_fuse()
        self.make_repository()
        os.mkdir(self.path("data"))
        self.save("web", self.path("data"))
        point = self.path("point")
        os.mkdir(point)
        process = subprocess.Popen(
            [PROGRAM, "mount", "-f", "--stats", *self.place("Master"), "web", point],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(subprocess.run, ["fusermount3", "-uz", point], capture_output=True)
        self.addCleanup(process.kill)
        process.stdout.close()
        process.stderr.close()
        eventually(lambda: os.path.ismount(point))
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(os.listdir(os.path.join(point, self.folder[1:])), ["data"])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)
        self.assertFalse(os.path.ismount(point))


if __name__ == "__main__":
    unittest.main()
