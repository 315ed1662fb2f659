"""A few points of every scenario; scripts/torture strikes all of them."""

import io
import os
import pathlib
import random
import tempfile
import unittest

import program
from faults import FAULTS
from power import PowerLoss
from scenarios import SCENARIOS
from torture import Tally, exhaust, lose_power, sample, strike

POINTS = 6
WAYS = 5


class TortureTests(unittest.TestCase):
    """Whatever call of a command is killed or fails: nothing is lost, and the next run completes."""

    def strike(self, kind):
        if kind.name == "mount":
            program.need_fuse()
        scenario, tally = kind(), Tally()
        self.addCleanup(scenario.close)
        # The same points each time; TORTURE_SEED gives others.
        seed = os.environ.get("TORTURE_SEED", "1")
        # Without limits of memory, which programs with a sanitizer exceed at once.
        names = [name for name in kind.faults if not FAULTS[name].may_crash]
        sample(scenario, names, f"{seed} {kind.name}", tally, io.StringIO(), points=POINTS)
        self.assertEqual(tally.findings, [])
        self.assertGreater(tally.kills + tally.failures, POINTS // 2)


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
