"""The cache of encrypted objects on disk: what it saves, what it may not break, and how it ends."""

import contextlib
import os
import pathlib
import random
import re
import resource
import subprocess

from fixture import S3Case
from program import PROGRAM

LISTING = ["GET rekkord", "LIST tags/"]
# A mount that starts with everything in its cache may send so many requests.
WARM_REQUESTS = 5


class DiskCacheTests(S3Case):
    def setUp(self):
        super().setUp()
        self.initialize()
        self.make_tree({f"{outer}/{inner}/file": f"{outer} {inner}".encode() for outer in range(8) for inner in range(8)})
        for number in range(30):
            os.symlink(f"{number}/0/file", os.path.join(self.tree, f"link {number}"))
        _, report = self.save_tree()
        self.blobs = self.needed(report["object"])
        self.role, self.gate.command = "read", "mount"

    @contextlib.contextmanager
    def counted(self, *options):
        """Mounts; gives the mount, the tree in it, and from the end on the requests that were sent."""
        self.gate.requests, requests = [], []
        with self.mounted("web", options=options) as mount:
            yield mount, mount.path(self.tree.removeprefix("/")), requests
        self.assertEqual(self.gate.refused, [])
        requests += self.gate.requests

    def find(self, top):
        return sorted(subprocess.run(["find", top, "-printf", "%P %y %s %l\n"], capture_output=True, check=True).stdout.split(b"\n"))

    def objects(self):
        return [path for path in pathlib.Path(self.path("cache")).rglob("objects.*/*/*") if not path.is_dir()]

    def compare(self, top):
        compared = subprocess.run(["diff", "-r", "--no-dereference", self.tree, top], capture_output=True)
        self.assertEqual((compared.returncode, compared.stdout + compared.stderr), (0, b""))

    def test_a_second_mount_is_walked_through_without_asking(self):
        with self.counted() as (_, top, first):
            shown = self.find(top)
        self.assertGreater(len(first), len(self.blobs["M"]))
        with self.counted() as (_, top, second):
            self.assertEqual(self.find(top), shown)
        self.assertLessEqual(len(second), WARM_REQUESTS)
        self.assertCountEqual(second, LISTING)

    def test_content_is_kept_when_there_is_space_for_it(self):
        blobs = len(self.blobs["M"]) + len(self.blobs["R"])
        for expected, hits in ((len(self.blobs["R"]), 0), (0, blobs)):
            with self.counted("--disk-cache-size", "64M", "--stats") as (mount, top, requests):
                self.compare(top)
            self.assertEqual(sum(request.startswith("GET blobs/R/") for request in requests), expected)
            counters = dict(re.findall(r"^(disk_\w+) (\d+)$", mount.log(), re.MULTILINE))
            # What several wait for may be looked up more than once.
            self.assertGreaterEqual(int(counters["disk_hits"]), hits, counters)
            self.assertGreaterEqual(int(counters["disk_misses"]), blobs - hits, counters)
            self.assertEqual(int(counters["disk_rejections"]), 0)
            self.assertEqual(int(counters["disk_written_bytes"]) > 0, not hits, counters)
            self.assertTrue(int(counters["disk_read_bytes"]) or not hits, counters)
            self.assertTrue(int(counters["disk_misses"]) == 0 or not hits, counters)

    def test_no_space_keeps_nothing(self):
        with self.counted("--disk-cache-size", "0") as (_, top, _):
            self.compare(top)
        self.assertEqual(self.objects(), [])

    def test_what_others_put_there_is_never_shown_and_never_damage(self):
        options = ("--disk-cache-size", "64M")
        with self.counted(*options) as (_, top, first):
            self.compare(top)
        chance = random.Random(1)
        objects = self.objects()
        self.assertGreaterEqual(len(objects), len(self.blobs["M"] | self.blobs["R"]))
        contents = [path.read_bytes() for path in objects]
        for path, content in zip(objects, contents):
            changed = chance.choice(("cut", "flipped", "swapped", "empty", "link", "endless"))
            path.unlink()
            if changed == "link":
                path.symlink_to(chance.choice(objects))
            elif changed == "endless":
                path.symlink_to("/dev/zero")
            else:
                position = chance.randrange(len(content))
                flipped = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
                cut, swapped = content[:position], chance.choice([other for other in contents if other != content])
                path.write_bytes({"cut": cut, "flipped": flipped, "swapped": swapped, "empty": b""}[changed])
        with self.counted(*options) as (mount, top, second):
            self.compare(top)
        self.assertNotIn("error", mount.log())
        self.assertNotIn("warning", mount.log())
        # Each was fetched again, and is good again.
        wanted = {f"GET {name}" for name in self.blobs["M"] | self.blobs["R"]} & set(first)
        self.assertEqual(wanted - set(second), set())
        with self.counted(*options) as (_, top, third):
            self.compare(top)
        self.assertCountEqual(third, LISTING)

    def test_two_mounts_share_a_cache(self):
        with self.counted() as (one, top, _), self.mounted("web") as other:
            shown = self.find(top)
            self.assertEqual(self.find(other.path(self.tree.removeprefix("/"))), shown)
            for path in self.objects():
                path.unlink()
            self.compare(top)
        for mount in (one, other):
            self.assertNotIn("warning", mount.log())

    def test_list_uses_it_and_a_new_cache_id_empties_it(self):
        def requests():
            return self.run_as("read", "list", "-r", "web").requests

        self.assertGreater(len(requests()), len(LISTING))
        self.assertCountEqual(requests(), LISTING)
        old = set(self.objects())
        self.run_as("owner", "change_cid")
        self.assertCountEqual(requests(), LISTING + [f"GET {name}" for name in self.blobs["M"]])
        self.assertEqual(old & set(self.objects()), set())
        self.run_as("read", "reset_cache")
        self.assertEqual(self.objects(), [])
        self.assertGreater(len(requests()), len(LISTING))

    def test_a_cache_that_cannot_be_written_costs_one_warning(self):
        blocked = self.path("blocked")
        with open(blocked, "wb"):
            pass
        with self.counted("--cache-dir", blocked) as (mount, top, _):
            self.compare(top)
            self.find(top)
        self.assertEqual(mount.log().count("warning"), 1, mount.log())
        self.assertIn("cannot keep objects in", mount.log())

    def test_a_full_disk_costs_one_warning(self):
        expected = self.run_as("read", "list", "-r", "web").stdout
        self.run_as("read", "reset_cache")
        self.gate.command = "list"
        # Any write to a file fails, as on a full disk, without needing one.
        result = subprocess.run(
            [PROGRAM, "list", *self.place(), "-r", "web"],
            env=self.environment,
            capture_output=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
            # Python ignores SIGXFSZ, and so does its child then.
            restore_signals=False,
        )
        self.assertEqual((result.returncode, result.stdout), (0, expected), result.stderr)
        self.assertEqual(result.stderr.count(b"warning"), 1, result.stderr)
        self.assertIn(b"File too large", result.stderr)
        self.assertEqual([path for path in self.objects() if path.stat().st_size], [])
