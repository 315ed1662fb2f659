"""Measures reading and saving over a link with a delay, beside what plain parallel requests reach on the same link.

The link is `slowlink`, which serves the folder of a local repository as a bucket. What takes the time here are round
trips, so most figures are counts of them: times divided by the delay.
"""

import contextlib
import json
import os
import random
import subprocess
import time
import urllib.request

from measure import MEGABYTE, Failure, drop_caches, run
from programs import Rekkord

SMALL_FILES = 1000
LARGE_OBJECT_BYTES = 100_000
# A file whose change is younger than this when it is saved is read again by the next save.
SETTLE_SECONDS = 3


class Link:
    """A server that answers each request after so many milliseconds."""

    def __init__(self, program, repository, milliseconds):
        self.command = [program, repository, str(milliseconds)]
        self.delay = milliseconds / 1000

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def statistics(self):
        """Requests, bytes and most requests at once since the last call."""
        with urllib.request.urlopen(f"{self.url}/__stats__") as answer:
            return json.load(answer)

    def get_all(self, names, connections):
        """Gets objects by plain requests, an equal share on each connection; returns the seconds."""
        commands = []
        for part in (names[index::connections] for index in range(connections)):
            urls = "".join(f'url = "{self.url}/bucket/{name}"\noutput = "/dev/null"\n' for name in part)
            commands.append(urls)
        start = time.monotonic()
        clients = []
        for urls in commands:
            client = subprocess.Popen(["curl", "--silent", "--fail", "--config", "-"], stdin=subprocess.PIPE, text=True)
            client.stdin.write(urls)
            client.stdin.close()
            clients.append(client)
        if any([client.wait() != 0 for client in clients]):
            raise Failure("curl: a request failed")
        return time.monotonic() - start


class RemoteRekkord(Rekkord):
    """Saves into a folder, and mounts the same repository through a link."""

    link = None

    def variables(self):
        variables = super().variables()
        if self.link:
            variables |= {"REKKORD_REPOSITORY": f"{self.link.url}/bucket", "S3_ACCESS_KEY_ID": "any",
                          "S3_SECRET_ACCESS_KEY": "any"}
        return variables


class Remote:
    """A repository with trees of many folders, small files in one folder, and one large file."""

    def __init__(self, folder, rekkord, slowlink, large_byte_count=1500 * MEGABYTE):
        self.slowlink = slowlink
        self.source = os.path.join(folder, "remote-source")
        self.tool = RemoteRekkord(os.path.join(folder, "remote"), rekkord)
        self.copy = os.path.join(folder, "remote-copy")
        self.copies = 0
        chance = random.Random(1)
        for place in self.folders():
            os.makedirs(place)
            for number in range(9):
                write(f"{place}/{number}", f"{place} {number}".encode())
        os.mkdir(f"{self.source}/small")
        for number in range(SMALL_FILES):
            write(f"{self.source}/small/{number:04}", chance.randbytes(3000))
        # Random bytes, so that as many go over the link as are read.
        with open(f"{self.source}/large", "wb") as file:
            for _ in range(large_byte_count // MEGABYTE):
                file.write(chance.randbytes(MEGABYTE))
        time.sleep(SETTLE_SECONDS)
        self.tool.reset()
        self.tool.save(self.source)

    def folders(self):
        """1000 folders below one, and 1000 in three levels."""
        for number in range(1000):
            yield f"{self.source}/wide/{number:03}"
            yield f"{self.source}/deep/{number // 100}/{number // 10 % 10}/{number % 10}"

    @contextlib.contextmanager
    def linked(self, milliseconds, connections, *options):
        """Has mounts go over a link, which it gives."""
        with Link(self.slowlink, self.tool.repository, milliseconds) as link:
            self.tool.link = link
            self.tool.mount_options = ("--threads", str(connections), *options)
            try:
                yield link
            finally:
                self.tool.link = None

    def find(self, shape, milliseconds, connections):
        """Lists 1000 folders; then again in a new mount.

        Returns (folders, round trips, requests of the second time).
        """
        self.tool.cache = f"{self.tool.folder}/cache-{shape}-{time.monotonic_ns()}"
        with self.linked(milliseconds, connections) as link:
            with self.tool.mounted(self.source) as (place, _):
                os.stat(f"{place}/{shape}")
                link.statistics()
                seconds = run(["find", f"{place}/{shape}", "-printf", "%s\\n"]).seconds
                count = link.statistics()["requests"]
            with self.tool.mounted(self.source) as (place, _):
                run(["find", f"{place}/{shape}", "-printf", "%s\\n"])
                again = link.statistics()["requests"]
        return count, seconds * 1000 / milliseconds, again

    def copy_small_files(self, milliseconds, connections):
        """Copies 1000 small files of one folder; returns the round trips."""
        self.copies += 1
        options = ("--read-ahead", "128M", "--cache-size", "512M")
        with self.linked(milliseconds, connections, *options), self.tool.mounted(self.source) as (place, _):
            os.stat(f"{place}/small")
            seconds = run(["cp", "-a", f"{place}/small", f"{self.copy}-{self.copies}"]).seconds
        run(["diff", "-rq", f"{self.source}/small", f"{self.copy}-{self.copies}"])
        return seconds * 1000 / milliseconds

    def save_small_files(self, milliseconds, connections):
        """Saves 1000 small files into a new repository; returns (requests, round trips, most requests at once)."""
        saver = RemoteRekkord(f"{self.tool.folder}/saver-{time.monotonic_ns()}", self.tool.program)
        saver.reset()
        with Link(self.slowlink, saver.repository, milliseconds) as link:
            saver.link = link
            saver.save_options = ("--threads", str(connections))
            seconds = saver.save(f"{self.source}/small").seconds
            counts = link.statistics()
        saver.link = None
        saver.save_options = ()
        if saver.save(f"{self.source}/small").seconds > seconds:
            raise Failure("what was saved over the link was saved again")
        return counts["requests"], seconds * 1000 / milliseconds, counts["busy"]

    def read_large_file(self, milliseconds, connections):
        """Reads a large file in sequence, in stored MB/s.

        Returns the speeds of plain requests on the same link, of a mount over a link without delay, which is as fast
        as the processors receive and decode, and of the mount over the link.
        """
        names = []
        for top, _, files in os.walk(f"{self.tool.repository}/blobs/R"):
            paths = [os.path.join(top, name) for name in files]
            names += [path for path in paths if os.path.getsize(path) >= LARGE_OBJECT_BYTES]
        megabytes = sum(map(os.path.getsize, names)) / MEGABYTE
        names = [os.path.relpath(path, self.tool.repository) for path in names]
        options = ("--read-ahead", "128M", "--cache-size", "512M")
        with self.linked(milliseconds, connections, *options) as link, self.tool.mounted(self.source) as (place, _):
            os.stat(f"{place}/large")
            plain = link.get_all(names, connections)
            drop_caches()
            # Both find the objects in the page cache of the machine that serves them.
            link.get_all(names, connections)
            ours = run(["dd", f"if={place}/large", "of=/dev/null", "bs=1M", "status=none"]).seconds
        with self.linked(0, connections, *options), self.tool.mounted(self.source) as (place, _):
            direct = run(["dd", f"if={place}/large", "of=/dev/null", "bs=1M", "status=none"]).seconds
        return megabytes / plain, megabytes / direct, megabytes / ours


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
