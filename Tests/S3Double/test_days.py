"""Days of saves and scans by the clock of the double: what snapshots need never loses its lock."""

import datetime
import json
import os
import pathlib
import random
import signal
import subprocess

from fixture import S3Case
from gate import Fault
from program import PROGRAM

DAY = datetime.timedelta(days=1)
RETAIN = 20 * DAY
# What a scan leaves alone: "at least RetainDuration less a tenth, or a day".
LEAST = RETAIN - 2 * DAY
# The scan takes its time, and we look after it.
ELAPSED = datetime.timedelta(minutes=2)


class DayCase(S3Case):
    retention = "RetainDuration = 20d\n"

    def setUp(self):
        super().setUp()
        self.tree = self.path("tree")
        os.mkdir(self.tree)
        self.at_day(0)
        self.run_as("root", "init")

    def write(self, name, content):
        pathlib.Path(self.tree, name).write_bytes(content)
        os.utime(pathlib.Path(self.tree, name), (1_700_000_000, 1_700_000_000 + sum(content) % 1000))

    def save_orphan(self):
        """An object that no snapshot needs; its name."""
        before = set(self.names())
        path = pathlib.Path(self.path("orphan"))
        path.write_bytes(b"of no snapshot")
        self.run_as("save", "save", "--no-snapshot", str(path), row="save-object")
        return (set(self.names()) - before).pop()

    def scan(self, status=0):
        result = self.run_as("scan", "scan", "--format", "JSON", row="scan-locks", status=status)
        return json.loads(result.stdout)

    def remaining(self, name):
        version = self.current(name)
        return (version.until - self.bucket.now()) if version.mode else datetime.timedelta()

    def assert_protected(self, besides=()):
        """All objects but these and `cw` are needed, and are locked for long enough."""
        for name in set(self.names()) - {"cw", *besides}:
            self.assertGreaterEqual(self.remaining(name), LEAST - ELAPSED, name)


class LongRunCase(DayCase):
    def run_over(self, days):
        noise = random.Random(3)
        orphan = self.save_orphan()
        orphan_until = self.current(orphan).until
        self.write("old", b"there from the first day")
        for number, day in enumerate(days):
            self.at_day(day)
            # One file changes, a second one comes back to what it was.
            self.write("new", noise.randbytes(300))
            self.write("to and fro", b"to" if number % 2 else b"fro")
            self.save_tree(channel=f"channel {number % 3}")
            report = self.scan()
            self.assertEqual(report["locks"]["failed"], 0)
            self.assertEqual(report["snapshots"], number + 1)
            self.assertEqual(report["orphans"]["count"], 1)
            self.assert_protected(besides=[orphan])
            self.assertEqual(self.current(orphan).until, orphan_until)
        self.assert_sound(orphans=True)
        # Nothing but the scans kept them: one that rests for as long leaves all of them open.
        self.at_day(days[-1] + 21)
        self.assertTrue(all(self.remaining(name) < datetime.timedelta() for name in self.names() if name != "cw"))


class LongRunTests(LongRunCase):
    def test_saves_and_scans_over_400_days(self):
        self.run_over(range(0, 400, 16))


class DamagedRunTests(DayCase):
    def setUp(self):
        super().setUp()
        self.write("good", b"content that stays good")
        before = set(self.names())
        self.write("bad", b"content that goes bad")
        self.save_tree()
        self.bad = next(
            name
            for name in set(self.names()) - before
            if name.startswith("blobs/R/") and self.content(name) == b"content that goes bad"
        )
        self.scan()

    def content(self, name):
        digest = bytes.fromhex(name.rpartition("/")[2])
        return b"".join(self.reader().file_pieces(digest))

    def problems(self, report):
        return [(problem["what"], problem["channel"], problem["path"].rpartition("/")[2]) for problem in report["problems"]]

    def test_damage_is_not_extended_and_all_else_is(self):
        version = self.current(self.bad)
        version.body = version.body[:-1] + bytes([version.body[-1] ^ 1])
        until = version.until
        self.at_day(10)
        report = self.scan(status=20)
        self.assertEqual(self.problems(report), [("decrypt", "web", "bad")])
        self.assertEqual(report["locks"]["failed"], 0)
        self.assert_protected(besides=[self.bad])
        self.assertEqual(self.current(self.bad).until, until)

    def test_an_object_under_a_new_version_is_noticed_and_keeps_its_lock(self):
        good = self.current(self.bad)
        until = good.until
        self.at_day(3)
        # By somebody whom no policy asks for a condition; what was verified lately is looked at again for it.
        self.bucket.put(self.bad, bytes(len(good.body)))
        report = self.scan(status=20)
        self.assertEqual(self.problems(report), [("structure", "web", "bad")])
        self.assertTrue(good.is_locked(self.bucket.now()))
        self.assertEqual(good.until, until)
        self.assertIsNone(self.current(self.bad).mode)
        self.assert_protected(besides=[self.bad])

    def test_a_good_version_over_a_good_one_is_the_one_extended(self):
        """The same bytes again, as a saver without conditional writes leaves them."""
        good = self.current(self.bad)
        until = good.until
        self.at_day(10)
        self.bucket.put(self.bad, good.body)
        self.scan()
        self.assert_protected()
        self.assertEqual(good.until, until)

    def test_what_is_known_of_a_lock_ends_with_its_version(self):
        """The way back by somebody who sets no locks: what was written anew has none, and the scan gives it one."""
        self.at_day(10)
        self.scan()
        self.assert_protected()
        for role in ("owner", "save"):
            self.write_ini(role, more="")
        self.bucket.delete(self.bad)
        for name in self.names("keys/"):
            self.bucket.put(name, self.current(name).body)
        self.run_as("owner", "change_cid")
        self.save_tree()
        self.assertIsNone(self.current("rekkord").mode)
        self.assertIsNone(self.current(self.bad).mode)
        self.scan()
        self.assert_protected()

    def test_a_killed_scan_harms_nothing(self):
        """Killed while it reads, and while it extends; the next one ends well, and everything is locked."""
        self.run_as("scan", "reset_cache", "--all", row="reset_cache")
        for match in ("GET blobs/.*", "PUT tags/.*retention"):
            process = None
            self.gate.command = "scan-locks"
            self.gate.faults = [Fault("reset-after", match=match, times=1, action=lambda: process.kill())]
            process = subprocess.Popen([PROGRAM, "scan", "-C", self.ini("scan")], env=self.environment)
            self.assertEqual(process.wait(60), -signal.SIGKILL)
            self.gate.faults = []
        self.assertEqual(self.scan()["locks"]["failed"], 0)
        self.assert_protected()
