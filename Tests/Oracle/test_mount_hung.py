"""A mount whose storage hangs, goes away and comes back."""

import os
import random
import signal
import subprocess
import sys
import time
import unittest

from program import MOUNT_TIMEOUT, Mount, SandboxCase, eventually, need_fuse
from test_mount import MEMORY_OF_FAILURES, read_file

# A wait for storage ends with EIO after so many seconds without progress.
DEADLINE = 15
S3_DOUBLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "S3Double")
S3_SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
import server
service = server.Service("my-backups")
service.users["KEY"] = ("secret", None)
one = server.Server(service)
print(one.server_address[1], flush=True)
one.serve_forever()
"""


class HungCase(SandboxCase):
    """A tree to be saved, of which some is read before the storage hangs and some is not."""

    def setUp(self):
        super().setUp()
        need_fuse()
        self.source = self.path("data")
        chance = random.Random(2)
        for name in ("known/file", "other/a", "other/b", "other/c", "unknown/inner/file", "late/inner/file"):
            path = os.path.join(self.source, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(chance.randbytes(200_000))

    def start_mount(self, *options):
        mount = Mount(self, [*options, "web"], "Master")
        self.addCleanup(self.remove, mount)
        return mount

    def remove(self, mount):
        if mount.process.poll() is None:
            mount.process.kill()
            mount.process.wait()
        subprocess.run(["fusermount3", "-uz", mount.point], capture_output=True)

    def see(self, mount):
        """Brings some of the tree into memory."""
        self.seen = mount.path(self.source[1:])
        self.assertEqual(set(os.listdir(self.seen)), {"known", "unknown", "other", "late"})
        self.assertEqual(self.read("known/file"), self.saved("known/file"))
        # By name: whoever lists one folder after another has the next ones fetched ahead, and they must stay unknown.
        for name in "abc":
            os.stat(os.path.join(self.seen, "other", name))

    def read(self, name):
        return read_file(os.path.join(self.seen, name))

    def saved(self, name):
        return read_file(os.path.join(self.source, name))

    def client(self, *command):
        """Starts a command that will have to wait."""
        return subprocess.Popen(
            command, cwd=self.seen, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment
        )

    def assert_waits(self, clients):
        time.sleep(0.5)
        for client in clients:
            self.assertIsNone(client.poll(), f"{client.args} did not wait")

    def assert_clients_can_be_killed(self):
        script = "import os; os.getxattr('unknown/inner', 'user.rekkord.size')"
        commands = (
            ["stat", "unknown/inner/file"],
            ["ls", "unknown/inner"],
            ["cat", "other/a"],
            [sys.executable, "-c", script],
        )
        clients = [self.client(*command) for command in commands]
        self.assert_waits(clients)
        start = time.monotonic()
        for client in clients:
            client.kill()
        for client in clients:
            client.communicate(timeout=10)
        # Far less than the wait of a client that nobody kills.
        self.assertLess(time.monotonic() - start, DEADLINE / 3)

    def assert_memory_serves(self):
        script = "stat known/file other/a >&2 && ls -l known >&2 && cat known/file"
        shown = subprocess.run(["sh", "-c", script], cwd=self.seen, capture_output=True, timeout=DEADLINE - 1)
        self.assertEqual((shown.returncode, shown.stdout), (0, self.saved("known/file")), shown.stderr)

    def assert_waits_end(self):
        start = time.monotonic()
        clients = [self.client("cat", "other/b"), self.client("stat", "unknown/inner/file")]
        for client in clients:
            _, message = client.communicate(timeout=2 * DEADLINE)
            self.assertIn(b"Input/output error", message)
        self.assertGreater(time.monotonic() - start, DEADLINE - 1)

    def assert_all_is_well(self):
        for name in ("other/a", "other/b", "other/c", "unknown/inner/file"):
            content = eventually(lambda: self.read(name), MEMORY_OF_FAILURES + 30)
            self.assertEqual(content, self.saved(name))

    def assert_it_ends(self, mount):
        """SIGTERM ends the mount, and with it the wait of a client."""
        client = self.client("cat", "late/inner/file")
        self.assert_waits([client])
        start = time.monotonic()
        mount.process.terminate()
        self.assertEqual(mount.process.wait(MOUNT_TIMEOUT), 0, mount.log())
        self.assertLess(time.monotonic() - start, DEADLINE / 3)
        client.communicate(timeout=DEADLINE - 1)
        self.assertNotEqual(client.returncode, 0)
        self.assertFalse(os.path.ismount(mount.point))


class Stopped:
    """Stops a process for a while, at a moment at which it has nothing to do: what was fetched ahead has arrived."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        before = None
        while (now := self.time_used()) != before:
            before = now
            time.sleep(0.3)
        self.process.send_signal(signal.SIGSTOP)

    def time_used(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[11:13]

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)


class HungServerTests(HungCase):
    """An S3 server that does not answer."""

    def setUp(self):
        super().setUp()
        self.server = subprocess.Popen([sys.executable, "-B", "-c", S3_SERVER, S3_DOUBLE], stdout=subprocess.PIPE)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        port = int(self.server.stdout.readline())
        self.environment |= {"S3_ACCESS_KEY_ID": "KEY", "S3_SECRET_ACCESS_KEY": "secret"}
        self.repo = f"http://127.0.0.1:{port}/my-backups/repo"
        self.make_repository()
        self.save("web", self.source)

    def test_a_server_that_hangs(self):
        mount = self.start_mount()
        self.see(mount)
        with Stopped(self.server):
            self.assert_clients_can_be_killed()
            self.assert_memory_serves()
            self.assert_waits_end()
            self.assert_memory_serves()
        self.assert_all_is_well()
        with Stopped(self.server):
            self.assert_it_ends(mount)


class HungFolderTests(HungCase):
    """A local repository on a file system that hangs: a mount of ours."""

    def setUp(self):
        super().setUp()
        self.make_repository()
        self.save("web", self.source)
        inner, self.repo = self.repo, self.path("outer")
        self.run_program("init", "-R", self.repo, "-K", self.key("Master"))
        self.save("web", inner)
        self.outer = self.start_mount()
        self.repo = self.outer.path(inner[1:])

    def test_a_file_system_that_hangs(self):
        mount = self.start_mount()
        self.see(mount)
        with Stopped(self.outer.process):
            self.assert_clients_can_be_killed()
            self.assert_memory_serves()
        self.assert_all_is_well()
        with Stopped(self.outer.process):
            self.assert_it_ends(mount)


class GoneTests(HungCase):
    """A repository that disappears under a mount, as a disk that is unplugged, and comes back."""

    def setUp(self):
        super().setUp()
        self.make_repository()
        self.save("web", self.source)

    def test_a_repository_that_goes_and_comes_back(self):
        mount = Mount(self, ["--refresh", "0"], "Master")
        self.addCleanup(self.remove, mount)
        channel = mount.path("channels/web")
        shown = set(os.listdir(channel))
        self.seen = os.path.join(channel, "latest", self.source[1:])
        self.assertEqual(self.read("known/file"), self.saved("known/file"))
        os.rename(self.repo, self.path("away"))
        for _ in range(3):
            # Each look starts a listing, which fails and is told of once.
            self.assertEqual(set(os.listdir(channel)), shown)
            self.assertEqual(os.listdir(mount.path("channels")), ["web"])
            time.sleep(0.1)
        eventually(lambda: "cannot list the snapshots: " in mount.log())
        self.assertEqual(mount.log().count("cannot list the snapshots"), 1)
        self.assertEqual(self.read("known/file"), self.saved("known/file"))
        with self.assertRaises(OSError):
            self.read("unknown/inner/file")
        os.rename(self.path("away"), self.repo)
        content = eventually(lambda: self.read("unknown/inner/file"), MEMORY_OF_FAILURES + 30)
        self.assertEqual(content, self.saved("unknown/inner/file"))
        self.save("new", self.source)
        eventually(lambda: set(os.listdir(mount.path("channels"))) == {"web", "new"})
        mount.end()


if __name__ == "__main__":
    unittest.main()
