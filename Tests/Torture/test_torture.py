"""A few points of every scenario; scripts/torture strikes all of them."""

import errno
import io
import os
import pathlib
import random
import sqlite3
import sys
import tempfile
import unittest
from dataclasses import replace

import faults
import program
from faults import FAULTS
from place import PROGRAM, Finding
from power import CrashedRepository, PowerLoss
from scenarios import SCENARIOS
from torture import Tally, exhaust, lose_power, sample, strike

POINTS = 6
WAYS = 5


class TortureTests(unittest.TestCase):
    """Whatever call of a command is killed or fails: nothing is lost, and the next run completes."""

    def strike(self, kind):
        if kind.name.startswith("mount"):
            program.need_fuse()
        scenario, tally = kind(), Tally()
        self.addCleanup(scenario.close)
        # The same points each time; TORTURE_SEED gives others.
        seed = os.environ.get("TORTURE_SEED", "1")
        # Without limits of memory, which programs with a sanitizer exceed at once.
        names = [name for name in kind.faults if not FAULTS[name].may_crash]
        sample(scenario, names, f"{seed} {kind.name}", tally, io.StringIO(), points=POINTS)
        self.assertEqual(tally.findings, [])
        # Others were limits out of reach.
        self.assertGreaterEqual(tally.kills + tally.failures, POINTS // 3)

    def test_no_restore_trusts_a_file_whose_close_failed(self):
        """Network file systems and quotas tell only then that data is lost."""
        fault = replace(FAULTS["EIO"], calls="close")
        for name in ("restore", "restore-over"):
            with self.subTest(name):
                scenario, tally = SCENARIOS[name](), Tally()
                self.addCleanup(scenario.close)
                points = 1
                while strike(scenario, fault, points, tally, io.StringIO()):
                    points += 1
                self.assertEqual(tally.findings, [])
                self.assertGreater(points, 3)


class LimitTests(unittest.TestCase):
    """Limits of the process are errors like any others."""

    def prepare(self, name):
        scenario = SCENARIOS[name]()
        self.addCleanup(scenario.close)
        return scenario

    def attempt(self, scenario, fault, value):
        return scenario.attempt(FAULTS[fault], FAULTS[fault].limits.index(value) + 1)

    def test_a_file_that_may_not_grow_is_an_error(self):
        scenario = self.prepare("save")
        for value in (0, 512, 16_384):
            with self.subTest(value):
                outcome = self.attempt(scenario, "FSIZE", value)
                self.assertEqual(outcome.status, 1)
                self.assertIn("File too large", outcome.stderr)

    def test_no_descriptor_at_all_is_an_error(self):
        """Without one the arguments of a process cannot be read, where they were not read before."""
        outcome = self.attempt(self.prepare("derive"), "NOFILE", 3)
        self.assertIn(outcome.status, (1, 64))
        self.assertIn(": error: cannot read ", outcome.stderr)

    def test_a_limit_that_is_not_reached_is_no_fault(self):
        scenario, tally = self.prepare("derive"), Tally()
        for fault in ("NOFILE", "FSIZE"):
            with self.subTest(fault):
                limits = FAULTS[fault].limits
                self.assertFalse(strike(scenario, FAULTS[fault], len(limits), tally, io.StringIO()))
                self.assertTrue(strike(scenario, FAULTS[fault], 1, tally, io.StringIO()))
        self.assertEqual((tally.failures, tally.findings), (2, []))
        # The limits after one that is out of reach are tried all the same.
        tally.lanes["derive FSIZE"] = len(FAULTS["FSIZE"].limits) - 3
        exhaust(scenario, FAULTS["FSIZE"], float("inf"), tally, io.StringIO())
        self.assertEqual((tally.failures, tally.lanes["derive FSIZE"]), (2, None))

    def test_a_call_that_fails_for_a_limit_is_named(self):
        outcome = self.attempt(self.prepare("save"), "FSIZE", 512)
        self.assertIn(outcome.victim[0], ("write", "truncate"))

    def test_counts_add_up(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "state.json"
            scenario = self.prepare("derive")
            for round_number in (1, 2):
                tally = Tally(path)
                sample(scenario, ("kill", "ENOSPC"), 1, tally, io.StringIO(), points=4)
                self.assertEqual(sum(tally.scenarios["derive"]), tally.kills + tally.failures)
                self.assertGreaterEqual(tally.kills + tally.failures, 3 * round_number)


class JudgeTests(unittest.TestCase):
    """Proves that judges notice what a program would do wrong: here that is done in its place."""

    def prepare(self, name):
        scenario = SCENARIOS[name]()
        self.addCleanup(scenario.close)
        return scenario

    def assert_noticed(self, scenario, fault, text, at=1):
        with self.assertRaisesRegex(Finding, text):
            scenario.attempt(FAULTS[fault], at)

    def end_with(self, scenario, status, stderr="", before=lambda: None, victim=("read", "/elsewhere")):
        """From now on a run of the scenario is a run without a fault, which is said to have ended in this way."""
        run = scenario.run

        def wrong(*_):
            before()
            return replace(run(None, 0), status=status, stdout=b"", stderr=stderr, victim=victim)

        scenario.run = wrong

    def test_a_mount_that_leaves_something_out(self):
        program.need_fuse()
        scenario = self.prepare("mount")
        self.end_with(scenario, 0)
        read = scenario.read
        for left_out, error, is_noticed in (
            ("sub", None, True),
            ("", None, True),
            ("sub", ["error", "ENOENT"], True),
            ("sub", ["error", "EIO"], False),
            ("", ["error", "EIO"], False),
        ):
            with self.subTest(f"'{left_out}' {error}"):

                def read_less(point, left_out=left_out, error=error):
                    scenario.read = read  # The next mount shows all.
                    seen = {name: row for name, row in read(point).items() if not name.startswith(left_out)}
                    return seen | ({left_out or ".": error} if error else {})

                scenario.read = read_less
                if is_noticed:
                    self.assert_noticed(scenario, "EIO", "does not show '")
                else:
                    scenario.attempt(FAULTS["EIO"], 1)

    def test_a_save_that_does_not_name_what_it_lacks(self):
        scenario = self.prepare("save")
        lacking = scenario.place.tree / "sub" / "deep"
        arguments = scenario.arguments
        scenario.arguments = lambda: [*arguments(), "--exclude", str(lacking)]
        run = scenario.run
        for named in ("/elsewhere", f"{scenario.place.tree}/sub/dee", lacking / "y"):
            scenario.run = run
            self.end_with(scenario, 3, f"rekkord: error: cannot read '{named}': Input/output error\n")
            self.assert_noticed(scenario, "EIO", "nobody told that '/.*/sub/deep")
        for named in (lacking, lacking.parent):
            scenario.run = run
            self.end_with(scenario, 3, f"rekkord: error: cannot read '{named}': Input/output error\n")
            scenario.attempt(FAULTS["EIO"], 1)

    def test_a_scan_that_remembers_what_it_could_not_read(self):
        scenario = self.prepare("scan")
        victim = next(scenario.place.template.glob("repo/blobs/R/*/*")).relative_to(scenario.place.template)
        self.end_with(scenario, 12, "rekkord: error: x\n", victim=("read", str(scenario.place.work / victim)))
        self.assert_noticed(scenario, "EIO", "remembers blobs/R/.* as verified")

    def test_a_scan_after_which_damage_stays_hidden(self):
        """As if all that was there had been verified: the memory of a scan before the damage, with the tags of now."""
        scenario = self.prepare("scan-damaged")
        place = scenario.place

        def remember_all():
            damaged = scenario.damaged()
            good = scenario.flipped(damaged.read_bytes())
            damaged.write_bytes(good)
            place.run("scan", key="Master")
            damaged.write_bytes(scenario.flipped(good))
            (memory,) = place.work.glob("cache/**/scan.sqlite")
            status = damaged.stat()
            tag = "-".join([str(status.st_ino), *(f"{ns // 10**9}.{ns % 10**9}" for ns in (status.st_mtime_ns, status.st_ctime_ns))])
            connection = sqlite3.connect(memory)
            connection.execute(
                "UPDATE blobs SET etag = ? WHERE oid = ?", (tag.encode(), b"\1" + bytes.fromhex(damaged.name))
            )
            connection.commit()
            connection.close()

        self.end_with(scenario, 20, "rekkord: error: x\n", before=remember_all)
        self.assert_noticed(scenario, "EIO", "status 0")

    def test_a_cache_that_was_not_emptied(self):
        for name in ("reset_cache", "reset_cache-s3"):
            with self.subTest(name):
                scenario = self.prepare(name)
                scenario.arguments = lambda: [PROGRAM, "--version"]
                self.end_with(scenario, 0)
                self.assert_noticed(scenario, "EIO", "calls stored what is not")

    def test_a_scan_that_locks_nothing(self):
        scenario = self.prepare("scan-s3")
        scenario.place.retention = ""
        self.end_with(scenario, 0)
        self.assert_noticed(scenario, "EIO", "not locked")

    def test_a_derive_that_wrote_no_key(self):
        for name in ("derive", "derive-first"):
            with self.subTest(name):
                scenario = self.prepare(name)
                scenario.arguments = lambda: [PROGRAM, "--version"]
                self.end_with(scenario, 0)
                self.assert_noticed(scenario, "EIO", "status 0")

    def test_a_cache_that_cannot_be_read_after_a_loss_of_power(self):
        power = PowerLoss(self.prepare("save"))
        state = power.disk.after_crash("all", "all", random.Random(1))
        reader = CrashedRepository(state, power.root, power.master)
        (path,) = (path for path in state if path.endswith("/cache.sqlite"))
        power.judge_cache(state, reader)
        power.judge_cache(state | {path: b"", path + "-wal": b""}, reader)
        with self.assertRaisesRegex(Finding, "the cache cannot be read"):
            power.judge_cache(state | {path: b"nonsense" * 1000}, reader)


class CloseTests(unittest.TestCase):
    """When the close of a file fails, what was not synced is lost: a program that does not look loses it in silence."""

    def test_what_was_not_synced_is_lost(self):
        for syncs, size in ((False, 500), (True, 1000)):
            with self.subTest(syncs=syncs), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder)
                lines = (
                    "import os",
                    f"fd = os.open({str(path / 'file')!r}, os.O_WRONLY | os.O_CREAT)",
                    "os.write(fd, b'x' * 1000)",
                    "os.fsync(fd)" if syncs else "",
                    "try: os.close(fd)",
                    "except OSError as error: print(error.errno)",
                )
                fault = replace(FAULTS["EIO"], calls="close")
                python = os.path.basename(sys.executable)
                command = [sys.executable, "-S", "-c", "\n".join(lines)]
                outcome = faults.run(command, dict(os.environ), path, fault, 1, TORTURE_PROGRAM=python)
                self.assertEqual(outcome.stdout, b"%d\n" % errno.EIO)
                self.assertEqual(outcome.victim, ("close", str(path / "file")))
                self.assertEqual((path / "file").stat().st_size, size)

    def test_a_file_that_is_cut_is_noticed(self):
        scenario = SCENARIOS["restore"]()
        self.addCleanup(scenario.close)
        run = scenario.run

        def lose(*_):
            outcome = run(None, 0)
            (path,) = scenario.target().glob("**/big")
            os.truncate(path, path.stat().st_size // 2)
            return replace(outcome, victim=("close", str(path)))

        scenario.run = lose
        with self.assertRaisesRegex(Finding, "big' is not what was saved"):
            scenario.attempt(FAULTS["EIO"], 1)


class KilledMountTests(unittest.TestCase):
    """Requests of a process to its own mount that stay without an answer would keep it from being killed."""

    def test_a_mount_that_is_killed_before_it_answers_is_gone(self):
        program.need_fuse()
        scenario = SCENARIOS["mount-background"]()
        self.addCleanup(scenario.close)
        for at in range(1, 8):
            with self.subTest(at):
                self.assertIsNotNone(scenario.attempt(FAULTS["kill-device"], at).victim)


class PowerLossTests(unittest.TestCase):
    """Whenever the power goes, what was told to be saved is there, and all that is there is whole."""

    def prepare(self, name):
        scenario = SCENARIOS[name]()
        self.addCleanup(scenario.close)
        return scenario

    def lose_power(self, name):
        tally = Tally()
        lose_power(self.prepare(name), 1, WAYS, tally, io.StringIO(), next_run_share=0.01)
        self.assertEqual(tally.findings, [])
        return tally.crashes

    def test_save(self):
        self.assertGreater(self.lose_power("save"), 200)

    def test_save_in_groups(self):
        self.assertGreater(self.lose_power("save-grouped"), 200)

    def test_change_cid(self):
        self.lose_power("change_cid")

    def test_derive(self):
        for name in ("derive", "derive-first"):
            with self.subTest(name):
                self.lose_power(name)

    def test_a_disk_counts_once(self):
        """What happens again and again leaves disks that were judged."""
        power = PowerLoss(self.prepare("derive-first"))
        power.records = [*power.records[:-1], *power.records[-2:-1] * 20]
        judged = []
        power.judge = lambda state, *_: judged.append(state)
        power.strike(WAYS, random.Random(1), 0, io.StringIO())
        self.assertEqual(power.points, len({frozenset(state.items()) for state in judged}))
        self.assertLess(power.points, 10)

    def test_without_syncing_it_would_be_noticed(self):
        """Proves the other tests: the same run, as if one kind of sync had been left out."""
        for name, lost in (("save-grouped", "syncfs"), ("save", "fsync"), ("init", "fsync"), ("change_cid", "fsync"), ("derive", "fsync")):
            with self.subTest(f"{name} without {lost}"):
                power = PowerLoss(self.prepare(name))
                power.records = [record for record in power.records if record[0] != lost]
                self.assertNotEqual(power.strike(WAYS, random.Random(1), 0, io.StringIO()), [])


for name, kind in SCENARIOS.items():
    setattr(TortureTests, f"test_{name.replace('-', '_')}", lambda self, kind=kind: self.strike(kind))
