"""A mount in trouble: made writable, moved, laid over, or with nobody who reads what it says."""

import errno
import mmap
import os
import pwd
import random
import signal
import subprocess
import sys
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


class LogTests(SandboxCase):
    """Where a mount in the background says what went wrong."""

    def setUp(self):
        super().setUp()
        self.make_repository()
        with open(self.path("file"), "wb") as file:
            file.write(b"text")
        self.save("web", self.path("file"))
        for path, _, names in os.walk(self.path("repo/blobs/R")):
            for name in names:
                os.truncate(os.path.join(path, name), 1)
        self.point = self.path("point")
        os.mkdir(self.point)

    def mount(self, *words, before=()):
        command = [*before, PROGRAM, "mount", *self.place("Master"), *words, "web", self.point]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def fail_to_read(self):
        with self.assertRaises(OSError) as caught:
            read_file(os.path.join(self.point, self.folder[1:], "file"))
        self.assertEqual(caught.exception.errno, errno.EIO)

    def end(self):
        subprocess.run(["fusermount3", "-u", self.point], check=True)

    def test_a_file(self):
        need_fuse()
        self.assertEqual(self.mount("--log-file", self.path("log")).returncode, 0)
        self.addCleanup(subprocess.run, ["fusermount3", "-uz", self.point], capture_output=True)
        self.fail_to_read()
        self.end()
        with open(self.path("log")) as log:
            lines = log.read().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z rekkord: error: .*/file': R[0-9A-F]{64}: cut off$")
        self.assertEqual(os.stat(self.path("log")).st_mode & 0o777, 0o600)

    def test_a_file_that_cannot_be_written(self):
        result = self.mount("--log-file", self.path("none/log"))
        self.assertEqual(result.returncode, 64, result.stderr)
        self.assertIn(f"cannot write '{self.path('none/log')}': No such file or directory", result.stderr)
        self.assertFalse(os.path.ismount(self.point))

    def test_the_system_log(self):
        """In a mount namespace of its own, whose /dev has a listener."""
        need_fuse()
        if os.geteuid() != 0:
            self.skipTest("only root can make a /dev")
        script = f"""
            set -e
            mount -t tmpfs dev {self.path("dev")}
            for name in null zero random urandom fuse; do
                touch {self.path("dev")}/$name
                mount --bind /dev/$name {self.path("dev")}/$name
            done
            mount --move {self.path("dev")} /dev
            {sys.executable} -c '
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/dev/log")
listener.settimeout(30)
print("bound", flush=True)
print(listener.recv(10000).decode(), flush=True)' > {self.path("heard")} &
            until [ -s {self.path("heard")} ]; do sleep 0.05; done
            "$@"
            ! cat {self.point}{self.folder}/file
            wait $!
            fusermount3 -u {self.point}
        """
        os.mkdir(self.path("dev"))
        result = self.mount(before=["unshare", "--mount", "sh", "-c", script, "sh"])
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("heard")) as file:
            heard = file.read()
        # Facility "daemon", severity "error".
        self.assertRegex(heard, r"^bound\n<27>.* rekkord\[\d+\]: error: cannot read '.*/file': R[0-9A-F]{64}: cut off\n$")


class WithoutFUSETests(SandboxCase):
    """A machine whose kernel has no FUSE, or does not let the program use it."""

    def test_it_is_told(self):
        if os.geteuid() != 0:
            self.skipTest("only root can hide /dev/fuse")
        self.make_repository()
        with open(self.path("file"), "wb") as file:
            file.write(b"text")
        self.save("web", self.path("file"))
        os.mkdir(self.path("point"))
        os.mkdir(self.path("dev"))
        hidden = f"""
            touch {self.path("dev")}/null && mount --bind /dev/null {self.path("dev")}/null &&
            mount --rbind {self.path("dev")} /dev && exec "$@"
        """
        for words in ([], ["-f"]):
            command = [PROGRAM, "mount", *self.place("Master"), *words, "web", self.path("point")]
            result = subprocess.run(
                ["unshare", "--mount", "sh", "-c", hidden, "sh", *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(f"rekkord: error: cannot mount on '{self.path('point')}': fuse: device not found", result.stderr)


if __name__ == "__main__":
    unittest.main()
